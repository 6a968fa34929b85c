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

/** Those of the devices that have submitted in the current round or the one before, and in which. */
export function submittedLately(
  db: Queryable,
  devices: readonly Device[],
): Promise<(Device & Pick<SubmissionRow, 'round'>)[]> {
  return db.query(
    `SELECT address, instance, round FROM submissions
     WHERE round >= (SELECT MAX(round) - 1 FROM rounds)
       AND (address, instance) IN (SELECT * FROM unnest($1::text[], $2::text[]))`,
    [devices.map(({ address }) => address), devices.map(({ instance }) => instance)],
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

/** Writes decisions. Only a queued submission can be decided; returns those that were. */
export function decideSubmissions(
  db: Queryable,
  decisions: readonly { readonly submissionId: string; readonly verdict: Verdict }[],
): Promise<Decided[]> {
  return db.query<Decided>(
    `UPDATE submissions AS s SET stage = 'decided', status = v.status, code = v.code, reason = v.reason,
       gain_nats = v.gain_nats, error_nats = v.error_nats, scored = v.scored, gaps = v.gaps
     FROM jsonb_to_recordset($1::jsonb) AS v(submission_id TEXT, status TEXT, code TEXT, reason TEXT,
       gain_nats DOUBLE PRECISION, error_nats DOUBLE PRECISION, scored JSONB, gaps JSONB)
     WHERE s.submission_id = v.submission_id AND s.status = 'queued' RETURNING s.address, s.instance, s.status`,
    [
      JSON.stringify(
        decisions.map(({ submissionId, verdict }) => ({
          submission_id: submissionId,
          status: verdict.status,
          code: verdict.code,
          reason: verdict.reason,
          gain_nats: verdict.gainNats,
          error_nats: verdict.errorNats,
          scored: verdict.scored,
          gaps: verdict.gaps,
        })),
      ),
    ],
  );
}
export type Decided = Pick<SubmissionRow, 'address' | 'instance' | 'status'>;

export async function moveToScoring(
  db: Queryable,
  passed: readonly { readonly submissionId: string; readonly lean: number | undefined }[],
): Promise<void> {
  await db.query(
    `UPDATE submissions AS s SET stage = 'scoring', lean = v.lean
     FROM jsonb_to_recordset($1::jsonb) AS v(submission_id TEXT, lean DOUBLE PRECISION)
     WHERE s.submission_id = v.submission_id AND s.stage = 'inspect'`,
    [JSON.stringify(passed.map(({ submissionId, lean }) => ({ submission_id: submissionId, lean })))],
  );
}

/** What a submission may have been copied from. */
export interface CopySource
  extends Pick<SubmissionRow, 'submission_id' | 'blob_hash' | 'sequence' | 'round' | 'stage'> {}

const MAY_BE_COPIED = `status <> 'refused' AND blob_kept`;

/** Submissions of these rounds, and all that are not merged yet, in order of arrival. */
export function copySources(db: Queryable, rounds: readonly number[]): Promise<CopySource[]> {
  return db.query<CopySource>(
    `SELECT submission_id, blob_hash, sequence, round, stage FROM submissions
     WHERE (round = ANY($1) OR stage <> 'merged') AND ${MAY_BE_COPIED} ORDER BY sequence`,
    [rounds],
  );
}

/** Those of `submissionIds` that still count for a submission of `round`, in order of arrival. */
export async function copySourcesAmong(
  db: Queryable,
  submissionIds: readonly string[],
  round: number,
): Promise<CopySource[]> {
  if (submissionIds.length === 0) return [];
  return db.query<CopySource>(
    `SELECT submission_id, blob_hash, sequence, round, stage FROM submissions
     WHERE submission_id = ANY($1) AND (round = $2 OR stage <> 'merged') AND ${MAY_BE_COPIED} ORDER BY sequence`,
    [submissionIds, round],
  );
}

/** What came with numbers above one, or with one of some, in order; refused ones too. */
export function newCopySources(
  db: Queryable,
  { above, among }: { readonly above: number; readonly among: readonly number[] },
): Promise<(Pick<CopySource, 'submission_id' | 'blob_hash' | 'sequence'> & { mayBeCopied: boolean })[]> {
  return db.query(
    `SELECT submission_id, blob_hash, sequence, ${MAY_BE_COPIED} AS "mayBeCopied" FROM submissions
     WHERE sequence > $1 OR sequence = ANY($2) ORDER BY sequence`,
    [above, among],
  );
}

/** Transactions that are open at one time hold fewer numbers. */
const OPEN_NUMBERS = 1_024;

/** The highest number there is, and those shortly below it that no row has, which may be about to be committed. */
export async function missingSequences(db: Queryable): Promise<{ highest: number; missing: number[] }> {
  const [row] = await db.query<{ highest: number | null }>(
    'SELECT MAX(sequence) AS highest FROM submissions',
  );
  const highest = row?.highest ?? 0;
  const missing = await db.query<{ sequence: number }>(
    `SELECT g AS sequence FROM generate_series($1::bigint, $2::bigint) AS g
     WHERE NOT EXISTS (SELECT 1 FROM submissions WHERE sequence = g)`,
    [Math.max(1, highest - OPEN_NUMBERS), highest],
  );
  return { highest, missing: missing.map(({ sequence }) => sequence) };
}

/** Those of which there is an earlier one, by anyone at any time, with the very same indices and values. */
export async function sameContent(
  db: Queryable,
  submissionIds: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await db.query<{ id: string }>(
    `SELECT s.submission_id AS id FROM submissions AS s WHERE s.submission_id = ANY($1) AND EXISTS (
       SELECT 1 FROM submissions AS e WHERE e.content_hash = s.content_hash AND e.sequence < s.sequence)`,
    [submissionIds],
  );
  return new Set(rows.map(({ id }) => id));
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
