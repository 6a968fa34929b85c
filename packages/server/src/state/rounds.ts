/**
 * @file Rounds as stored. A round is `open` (tasks go out), `folding` (its submissions are fixed, the candidate is
 * being built), `candidate` (being scored on the report rows), and ends as `applied`, `rolledBack` or `refused`
 * (nothing was accepted). Exactly one round is unfinished at any time; every step is redone after a crash.
 */
import type { HashHex, VersionFold } from '@alice/protocol';
import type { BlobRef } from '../blobs/BlobStore.js';
import type { Queryable } from '../database/Database.js';
import type { Snapshot } from './versions.js';

export type RoundStatus = 'open' | 'folding' | 'candidate' | 'applied' | 'rolledBack' | 'refused';

/** Everything a fold produced, all of it already in the blob store. */
export interface Candidate {
  readonly stateRoot: HashHex;
  readonly master: BlobRef;
  readonly snapshot: Snapshot;
  /** Null for version 0, and where more changed than the format can say. */
  readonly setDelta: BlobRef | null;
  readonly changedElements: number;
}

export interface RoundRow {
  readonly round: number;
  readonly version: number;
  readonly status: RoundStatus;
  readonly opened_ms: number;
  readonly closed_ms: number | null;
  readonly candidate: Candidate | null;
  readonly reason: string | null;
}

export async function openRound(
  db: Queryable,
  round: { round: number; version: number; nowMs: number },
): Promise<void> {
  await db.query(`INSERT INTO rounds (round, version, status, opened_ms) VALUES ($1, $2, 'open', $3)`, [
    round.round,
    round.version,
    round.nowMs,
  ]);
}

/** The one unfinished round. */
export async function currentRound(db: Queryable): Promise<RoundRow> {
  const [row] = await db.query<RoundRow>('SELECT * FROM rounds ORDER BY round DESC LIMIT 1');
  if (!row) throw new Error('the first start opens round 0 in the transaction that makes version 0');
  return row;
}

export async function setRoundStatus(
  db: Queryable,
  round: number,
  change: {
    status: RoundStatus;
    candidate?: Candidate;
    fold?: VersionFold;
    closedMs?: number;
    reason?: string;
  },
): Promise<void> {
  await db.query(
    `UPDATE rounds SET status = $2, candidate = COALESCE($3, candidate), closed_ms = COALESCE($4, closed_ms),
       reason = COALESCE($5, reason), fold = COALESCE($6, fold) WHERE round = $1`,
    [
      round,
      change.status,
      change.candidate ? JSON.stringify(change.candidate) : null,
      change.closedMs ?? null,
      change.reason ?? null,
      change.fold ? JSON.stringify(change.fold) : null,
    ],
  );
}

/** While the round's candidate is being scored. */
export async function candidateSnapshot(db: Queryable, round: number): Promise<Snapshot | undefined> {
  const [row] = await db.query<{ snapshot: Snapshot }>(
    `SELECT candidate -> 'snapshot' AS snapshot FROM rounds WHERE round = $1 AND status = 'candidate'`,
    [round],
  );
  return row?.snapshot;
}

export interface RoundCounts {
  readonly applied: number;
  readonly rolledBack: number;
}

export async function countRounds(db: Queryable): Promise<RoundCounts> {
  const rows = await db.query<{ status: string; n: number }>(
    'SELECT status, COUNT(*) AS n FROM rounds GROUP BY status',
  );
  const of = (status: RoundStatus): number => rows.find((row) => row.status === status)?.n ?? 0;
  return { applied: of('applied'), rolledBack: of('rolledBack') };
}

/** The round that ended last, for alarms. */
export async function lastFinishedRound(db: Queryable): Promise<RoundRow | undefined> {
  const [row] = await db.query<RoundRow>(
    'SELECT * FROM rounds WHERE closed_ms IS NOT NULL ORDER BY round DESC LIMIT 1',
  );
  return row;
}
