/**
 * @file How far a regional server is with each of its rounds, as stored: `open` (its miners work), `fixed` (receipts are
 * signed), `committed` (the upstream has them and said which to send whole), `sent`, `merged` or `refused`. One step, one
 * row: a region killed anywhere goes on from here.
 */
import type { Task } from '@alice/protocol';
import type { BlobRef } from '../blobs/BlobStore.js';
import type { Queryable } from '../database/Database.js';

export type RegionStage = 'open' | 'fixed' | 'committed' | 'sent' | 'merged' | 'refused';

export interface RegionRound {
  readonly round: number;
  readonly stage: RegionStage;
  /** The upstream's task, which the contribution answers. */
  readonly ticket: Task;
  /** When the round must be closed so that the contribution comes in time, on this server's clock. */
  readonly closes_ms: number;
  readonly audits: readonly string[] | null;
  readonly blob: BlobRef | null;
  /** What the contribution left out. */
  readonly residual: BlobRef | null;
}

export async function lastRegionRound(db: Queryable): Promise<RegionRound | undefined> {
  const [row] = await db.query<RegionRound>('SELECT * FROM region_rounds ORDER BY round DESC LIMIT 1');
  return row;
}

/** A second ticket for the same round takes the place of the first. */
export async function openRegionRound(
  db: Queryable,
  { ticket, closesMs }: { ticket: Task; closesMs: number },
): Promise<void> {
  await db.query(
    `INSERT INTO region_rounds (round, stage, ticket, closes_ms) VALUES ($1, 'open', $2, $3)
     ON CONFLICT (round) DO UPDATE SET stage = 'open', ticket = EXCLUDED.ticket, closes_ms = EXCLUDED.closes_ms,
       audits = NULL, blob = NULL, residual = NULL`,
    [ticket.round, JSON.stringify(ticket), closesMs],
  );
}

export async function moveRegionRound(
  db: Queryable,
  round: number,
  change: { stage: RegionStage; audits?: readonly string[]; blob?: BlobRef; residual?: BlobRef },
): Promise<void> {
  await db.query(
    `UPDATE region_rounds SET stage = $2, audits = COALESCE($3, audits), blob = COALESCE($4, blob),
       residual = COALESCE($5, residual) WHERE round = $1`,
    [
      round,
      change.stage,
      change.audits ? JSON.stringify(change.audits) : null,
      change.blob ? JSON.stringify(change.blob) : null,
      change.residual ? JSON.stringify(change.residual) : null,
    ],
  );
}

/** What the last merged contribution left out: refused ones go back to the miners whole. */
export async function lastResidual(db: Queryable): Promise<BlobRef | null> {
  const [row] = await db.query<{ residual: BlobRef }>(
    `SELECT residual FROM region_rounds WHERE stage = 'merged' AND residual IS NOT NULL ORDER BY round DESC LIMIT 1`,
  );
  return row?.residual ?? null;
}

/** Rounds that are over need no bytes, but for the last residual; returns the hashes of what they had. */
export async function dropRegionBlobs(tx: Queryable): Promise<string[]> {
  const over = `stage IN ('merged', 'refused') AND (blob IS NOT NULL OR residual IS NOT NULL)
    AND round < (SELECT MAX(round) FROM region_rounds WHERE stage = 'merged' AND residual IS NOT NULL)`;
  const rows = await tx.query<Pick<RegionRound, 'blob' | 'residual'>>(
    `SELECT blob, residual FROM region_rounds WHERE ${over}`,
  );
  await tx.query(`UPDATE region_rounds SET blob = NULL, residual = NULL WHERE ${over}`);
  return rows.flatMap(({ blob, residual }) => [blob, residual].flatMap((ref) => ref?.hash ?? []));
}
