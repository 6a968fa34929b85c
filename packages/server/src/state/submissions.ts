/**
 * @file Submissions as stored. `stage` says what the server does next: `inspect` (look for copies), `scoring`,
 * `decided` (accepted, waiting to be folded; or refused), `merged` (part of a published version, payable).
 */
import type { HashHex, Submission } from '@alice/protocol';
import type { RowGaps } from '@alice/training';
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
  /** What its probed rows showed (SCORE-4 a, b); null when it was not probed. */
  readonly gaps: RowGaps | null;
  /** L2 norm of the whole delta; null of submissions from before it was measured. */
  readonly norm_l2: number | null;
  /** How much it leans on older published updates (`leanOnOlder`); null when that could not be told. */
  readonly lean: number | null;
  /** Estimated share of its task that it was trained on; null when that could not be told. */
  readonly covered: number | null;
  /** Tokens that its probed rows vouch for; null before its round closes. */
  readonly verified_tokens: number | null;
  /** Rates of its miner before and with it (`verifiedScores`); null before it is merged, and for a newcomer before. */
  readonly previous_rate: number | null;
  readonly smoothed_rate: number | null;
  readonly score: string;
  readonly folded_round: number | null;
  readonly epoch: number | null;
  readonly blob_kept: boolean;
  readonly has_receipt: boolean;
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
  | 'norm_l2'
  | 'steps'
  | 'tokens'
  | 'received_ms'
>;

/** Numbers are given out and become visible in the same order, so that of two equal ones the later is the copy. */
const ARRIVAL_LOCK = 7_201_947;

/** Stores them in this order. */
export async function insertSubmissions(
  db: Queryable,
  rows: readonly NewSubmission[],
): Promise<SubmissionRow[]> {
  if (rows.length === 0) return [];
  await db.query('SELECT pg_advisory_xact_lock($1)', [ARRIVAL_LOCK]);
  const columns = Object.keys(rows[0]!).join(', ');
  return db.query<SubmissionRow>(
    `INSERT INTO submissions (${columns}, stage, status, reason)
     SELECT ${columns}, 'inspect', 'queued', 'Received; waiting to be scored.'
     FROM jsonb_populate_recordset(NULL::submissions, $1::jsonb) RETURNING *`,
    [JSON.stringify(rows)],
  );
}

export async function insertSubmission(db: Queryable, row: NewSubmission): Promise<void> {
  await insertSubmissions(db, [row]);
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

/** The earliest, at most `limit`. */
export function submissionsAt(
  db: Queryable,
  stage: SubmissionStage,
  limit: number,
): Promise<SubmissionRow[]> {
  return db.query<SubmissionRow>('SELECT * FROM submissions WHERE stage = $1 ORDER BY sequence LIMIT $2', [
    stage,
    limit,
  ]);
}

/** Those of the devices that have submitted in this round. */
export function submittedIn(db: Queryable, devices: readonly Device[], round: number): Promise<Device[]> {
  return db.query<Device>(
    `SELECT address, instance FROM submissions
     WHERE round = $3 AND (address, instance) IN (SELECT * FROM unnest($1::text[], $2::text[]))`,
    [devices.map(({ address }) => address), devices.map(({ instance }) => instance), round],
  );
}
type Device = Pick<SubmissionRow, 'address' | 'instance'>;

export interface Verdict {
  readonly status: 'accepted' | 'refused';
  readonly code: string | null;
  readonly reason: string;
  readonly gainNats?: number | null;
  readonly errorNats?: number | null;
  readonly scored?: SubmissionRow['scored'];
  readonly gaps?: RowGaps;
}

/** Writes a decision. Only a queued submission can be decided; false when it was decided already. */
export async function decideSubmission(
  db: Queryable,
  submissionId: string,
  verdict: Verdict,
): Promise<boolean> {
  const rows = await db.query(
    `UPDATE submissions SET stage = 'decided', status = $2, code = $3, reason = $4, gain_nats = $5, error_nats = $6,
       scored = $7, gaps = $8
     WHERE submission_id = $1 AND status = 'queued' RETURNING submission_id`,
    [
      submissionId,
      verdict.status,
      verdict.code,
      verdict.reason,
      verdict.gainNats ?? null,
      verdict.errorNats ?? null,
      verdict.scored ? JSON.stringify(verdict.scored) : null,
      verdict.gaps ? JSON.stringify(verdict.gaps) : null,
    ],
  );
  return rows.length === 1;
}

export async function moveToScoring(
  db: Queryable,
  submissionId: string,
  lean: number | undefined,
): Promise<void> {
  await db.query(
    `UPDATE submissions SET stage = 'scoring', lean = $2 WHERE submission_id = $1 AND stage = 'inspect'`,
    [submissionId, lean ?? null],
  );
}

/** What a submission may have been copied from. */
export interface CopySource
  extends Pick<SubmissionRow, 'submission_id' | 'blob_hash' | 'sequence' | 'round' | 'stage'> {}

/** Submissions of these rounds, and all that are not merged yet, in order of arrival. */
export function copySources(db: Queryable, rounds: readonly number[]): Promise<CopySource[]> {
  return db.query<CopySource>(
    `SELECT submission_id, blob_hash, sequence, round, stage FROM submissions
     WHERE (round = ANY($1) OR stage <> 'merged') AND status <> 'refused' AND blob_kept ORDER BY sequence`,
    [rounds],
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

/** The latest merged submissions that were probed, of the versions since `fromRound`. */
export async function mergedGaps(db: Queryable, fromRound: number, limit: number): Promise<RowGaps[]> {
  const rows = await db.query<{ gaps: RowGaps }>(
    `SELECT gaps FROM submissions WHERE stage = 'merged' AND gaps IS NOT NULL AND folded_round >= $1
     ORDER BY sequence DESC LIMIT $2`,
    [fromRound, limit],
  );
  return rows.map(({ gaps }) => gaps);
}

/** What the work tests found at the round's close. */
export async function recordCoverage(
  db: Queryable,
  submissionId: string,
  { covered, verifiedTokens }: { covered: number | null; verifiedTokens: number },
): Promise<void> {
  await db.query('UPDATE submissions SET covered = $2, verified_tokens = $3 WHERE submission_id = $1', [
    submissionId,
    covered,
    verifiedTokens,
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
       (SELECT COUNT(*) FROM submissions WHERE round = $1 AND status = 'refused') AS refused
     FROM submissions WHERE stage <> 'merged' AND status <> 'refused'`,
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
