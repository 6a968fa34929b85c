/**
 * @file Submissions as stored. `stage` says what the server does next: `inspect` (look for copies), `scoring`,
 * `decided` (accepted, waiting to be folded; or refused), `merged` (part of a published version, payable).
 */
import type { HashHex, Submission } from '@alice/protocol';
import type { Queryable } from '../database/Database.js';

export type SubmissionStage = 'inspect' | 'scoring' | 'decided' | 'merged';

export interface SubmissionRow {
  readonly submission_id: string;
  readonly sequence: number;
  readonly task_id: string;
  readonly address: string;
  readonly instance: string;
  readonly reward_address: string;
  readonly round: number;
  readonly version: number;
  /** Ids of the shards it was trained on, separated by commas. */
  readonly shards: string;
  readonly blob_hash: HashHex;
  readonly size_bytes: number;
  readonly content_hash: string;
  readonly steps: number;
  readonly tokens: number;
  readonly received_ms: number;
  readonly stage: SubmissionStage;
  readonly status: 'queued' | 'accepted' | 'refused';
  readonly code: string | null;
  readonly reason: string;
  readonly gain_nats: number | null;
  readonly error_nats: number | null;
  /** The looks that decided it: model version and batch of each. */
  readonly scored: { version: number; batchId: string }[] | null;
  readonly score: string;
  readonly folded_round: number | null;
  readonly epoch: number | null;
  readonly blob_kept: boolean;
}

export type NewSubmission = Pick<
  SubmissionRow,
  | 'submission_id'
  | 'task_id'
  | 'address'
  | 'instance'
  | 'reward_address'
  | 'round'
  | 'version'
  | 'shards'
  | 'blob_hash'
  | 'size_bytes'
  | 'content_hash'
  | 'steps'
  | 'tokens'
  | 'received_ms'
>;

export async function insertSubmission(db: Queryable, row: NewSubmission): Promise<void> {
  const columns = Object.keys(row);
  const places = columns.map((_, i) => `$${i + 1}`);
  await db.query(
    `INSERT INTO submissions (${columns.join(', ')}, stage, status, reason)
     VALUES (${places.join(', ')}, 'inspect', 'queued', 'Received; waiting to be scored.')`,
    Object.values(row),
  );
}

export async function findSubmission(
  db: Queryable,
  submissionId: string,
): Promise<SubmissionRow | undefined> {
  const [row] = await db.query<SubmissionRow>('SELECT * FROM submissions WHERE submission_id = $1', [
    submissionId,
  ]);
  return row;
}

export async function submissionOfTask(db: Queryable, taskId: string): Promise<SubmissionRow | undefined> {
  const [row] = await db.query<SubmissionRow>('SELECT * FROM submissions WHERE task_id = $1', [taskId]);
  return row;
}

export function submissionsAt(db: Queryable, stage: SubmissionStage): Promise<SubmissionRow[]> {
  return db.query<SubmissionRow>('SELECT * FROM submissions WHERE stage = $1 ORDER BY sequence', [stage]);
}

export async function hasSubmitted(
  db: Queryable,
  who: { address: string; instance: string },
  round: number,
): Promise<boolean> {
  const rows = await db.query(
    'SELECT 1 FROM submissions WHERE address = $1 AND instance = $2 AND round = $3 LIMIT 1',
    [who.address, who.instance, round],
  );
  return rows.length > 0;
}

export interface Verdict {
  readonly status: 'accepted' | 'refused';
  readonly code: string | null;
  readonly reason: string;
  readonly gainNats?: number | null;
  readonly errorNats?: number | null;
  readonly scored?: SubmissionRow['scored'];
}

/** Writes a decision. Only a queued submission can be decided. */
export async function decideSubmission(db: Queryable, submissionId: string, verdict: Verdict): Promise<void> {
  await db.query(
    `UPDATE submissions SET stage = 'decided', status = $2, code = $3, reason = $4, gain_nats = $5, error_nats = $6,
       scored = $7
     WHERE submission_id = $1 AND status = 'queued'`,
    [
      submissionId,
      verdict.status,
      verdict.code,
      verdict.reason,
      verdict.gainNats ?? null,
      verdict.errorNats ?? null,
      verdict.scored ? JSON.stringify(verdict.scored) : null,
    ],
  );
}

export async function moveToScoring(db: Queryable, submissionId: string): Promise<void> {
  await db.query(`UPDATE submissions SET stage = 'scoring' WHERE submission_id = $1 AND stage = 'inspect'`, [
    submissionId,
  ]);
}

/** Earlier submissions that this one may have been copied from: of its round, or not merged yet. */
export function copySources(db: Queryable, row: SubmissionRow): Promise<SubmissionRow[]> {
  return db.query<SubmissionRow>(
    `SELECT * FROM submissions WHERE sequence < $1 AND status <> 'refused' AND blob_kept
       AND (round = $2 OR stage <> 'merged') ORDER BY sequence`,
    [row.sequence, row.round],
  );
}

/** An earlier submission, by anyone at any time, with the very same indices and values. */
export async function sameContent(db: Queryable, row: SubmissionRow): Promise<string | undefined> {
  const [found] = await db.query<{ submission_id: string }>(
    'SELECT submission_id FROM submissions WHERE content_hash = $1 AND sequence < $2 ORDER BY sequence LIMIT 1',
    [row.content_hash, row.sequence],
  );
  return found?.submission_id;
}

/** Accepted work that no round has folded yet becomes part of `round`. The order is fixed by arrival. */
export async function fixFold(db: Queryable, round: number): Promise<void> {
  await db.query(
    `UPDATE submissions SET folded_round = $1 WHERE stage = 'decided' AND status = 'accepted' AND folded_round IS NULL`,
    [round],
  );
}

export function foldOf(db: Queryable, round: number): Promise<SubmissionRow[]> {
  return db.query<SubmissionRow>('SELECT * FROM submissions WHERE folded_round = $1 ORDER BY sequence', [
    round,
  ]);
}

export interface Waiting {
  /** Not decided yet. */
  readonly queued: number;
  /** Accepted and not folded yet. */
  readonly accepted: number;
  /** Refused among the submissions of this round. */
  readonly refused: number;
}

export async function waitingFor(db: Queryable, round: number): Promise<Waiting> {
  const [row] = await db.query<Waiting>(
    `SELECT COUNT(*) FILTER (WHERE status = 'queued') AS queued,
       COUNT(*) FILTER (WHERE stage = 'decided' AND status = 'accepted' AND folded_round IS NULL) AS accepted,
       COUNT(*) FILTER (WHERE status = 'refused' AND round = $1) AS refused
     FROM submissions WHERE stage <> 'merged' AND (round = $1 OR status <> 'refused')`,
    [round],
  );
  return row ?? { queued: 0, accepted: 0, refused: 0 };
}

export function submissionMessage(row: SubmissionRow): Submission {
  return {
    submissionId: row.submission_id,
    taskId: row.task_id,
    version: row.version,
    status: row.status,
    code: row.code,
    reason: row.reason,
    gainNats: row.gain_nats,
    standardErrorNats: row.error_nats,
    score: row.score,
    epoch: row.epoch,
    sizeBytes: row.size_bytes,
    receivedAtMs: row.received_ms,
  };
}
