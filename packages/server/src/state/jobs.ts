/**
 * @file Scoring jobs as stored: `queued`, `leased` to a scorer until a time, or `done` with the losses of each row.
 * A job outlives scorers and servers: when a lease runs out it is queued again. `subject` is the submission, the
 * round of a candidate, or the version of a baseline.
 */
import type { HashHex, ScoringJob } from '@alice/protocol';
import type { BlobRef } from '../blobs/BlobStore.js';
import type { Queryable } from '../database/Database.js';

export type JobKind = ScoringJob['kind'];

export interface JobRow {
  readonly job_id: string;
  readonly sequence: number;
  readonly kind: JobKind;
  readonly subject: string;
  readonly version: number;
  readonly state_root: HashHex;
  readonly batch_id: HashHex;
  /** Rows that `batch_id`'s are compared with (work tests); null for every other kind. */
  readonly control_batch_id: HashHex | null;
  readonly batch_index: number;
  readonly blob: BlobRef | null;
  readonly step_fraction: number;
  readonly status: 'queued' | 'leased' | 'done';
  readonly lease_owner: string | null;
  readonly lease_until_ms: number;
  readonly attempts: number;
  readonly created_ms: number;
  readonly losses_before: number[] | null;
  readonly losses_after: number[] | null;
}

export type NewJob = Pick<
  JobRow,
  | 'job_id'
  | 'kind'
  | 'subject'
  | 'version'
  | 'state_root'
  | 'batch_id'
  | 'batch_index'
  | 'blob'
  | 'step_fraction'
> & { readonly control_batch_id?: HashHex };

/** Queues them in this order. */
export async function insertJobs(db: Queryable, jobs: readonly NewJob[], nowMs: number): Promise<void> {
  await db.query(
    `INSERT INTO jobs (job_id, kind, subject, version, state_root, batch_id, batch_index, blob, step_fraction,
       control_batch_id, status, created_ms)
     SELECT job_id, kind, subject, version, state_root, batch_id, batch_index, NULLIF(blob, 'null'::jsonb), step_fraction,
       control_batch_id, 'queued', $2
     FROM jsonb_populate_recordset(NULL::jobs, $1::jsonb)`,
    [JSON.stringify(jobs), nowMs],
  );
}

/** Candidates and baselines first: rounds wait for them. Returns undefined when nothing is queued. */
export async function leaseJob(
  db: Queryable,
  lease: { owner: string; untilMs: number },
): Promise<JobRow | undefined> {
  const [row] = await db.query<JobRow>(
    `UPDATE jobs SET status = 'leased', lease_owner = $1, lease_until_ms = $2, attempts = attempts + 1
     WHERE job_id = (
       SELECT job_id FROM jobs WHERE status = 'queued' ORDER BY (kind = 'submission'), sequence LIMIT 1
       FOR UPDATE SKIP LOCKED
     ) RETURNING *`,
    [lease.owner, lease.untilMs],
  );
  return row;
}

/** Locks the job until the transaction ends, so that of two answers to it one comes first. */
export async function findJob(db: Queryable, jobId: string): Promise<JobRow | undefined> {
  const [row] = await db.query<JobRow>('SELECT * FROM jobs WHERE job_id = $1 FOR UPDATE', [jobId]);
  return row;
}

export async function extendLease(db: Queryable, jobId: string, untilMs: number): Promise<void> {
  await db.query(`UPDATE jobs SET lease_until_ms = $2 WHERE job_id = $1 AND status = 'leased'`, [
    jobId,
    untilMs,
  ]);
}

export async function finishJob(
  db: Queryable,
  jobId: string,
  result: { before: readonly number[]; after: readonly number[] | null; nowMs: number },
): Promise<void> {
  await db.query(
    `UPDATE jobs SET status = 'done', losses_before = $2, losses_after = $3, done_ms = $4 WHERE job_id = $1`,
    [jobId, JSON.stringify(result.before), result.after && JSON.stringify(result.after), result.nowMs],
  );
}

/** Takes jobs back from scorers that fell silent, and those leased beyond `latestMs`; returns them. */
export function requeueExpired(
  db: Queryable,
  { nowMs, latestMs }: { nowMs: number; latestMs: number },
): Promise<JobRow[]> {
  return db.query<JobRow>(
    `UPDATE jobs SET status = 'queued', lease_owner = NULL
     WHERE status = 'leased' AND (lease_until_ms <= $1 OR lease_until_ms > $2) RETURNING *`,
    [nowMs, latestMs],
  );
}

export function jobsOf(db: Queryable, kind: JobKind, subject: string): Promise<JobRow[]> {
  return db.query<JobRow>('SELECT * FROM jobs WHERE kind = $1 AND subject = $2 ORDER BY sequence', [
    kind,
    subject,
  ]);
}

/** The looks and work tests of these submissions that have been done. */
export function doneJobsOf(db: Queryable, submissionIds: readonly string[]): Promise<JobRow[]> {
  return db.query<JobRow>(
    `SELECT * FROM jobs WHERE kind IN ('submission', 'work') AND subject = ANY($1) AND status = 'done' ORDER BY sequence`,
    [submissionIds],
  );
}

export async function deleteJobs(db: Queryable, kind: JobKind, subject: string): Promise<void> {
  await db.query('DELETE FROM jobs WHERE kind = $1 AND subject = $2', [kind, subject]);
}

/** Jobs of submissions nobody has started yet, locked against being started meanwhile; they move to a new version when one is published. */
export function queuedSubmissionJobs(db: Queryable): Promise<JobRow[]> {
  return db.query<JobRow>(
    `SELECT * FROM jobs WHERE kind IN ('submission', 'work') AND status = 'queued' ORDER BY sequence FOR UPDATE`,
  );
}

export async function oldestQueuedMs(db: Queryable): Promise<number | undefined> {
  const [row] = await db.query<{ oldest: number | null }>(
    `SELECT MIN(created_ms) AS oldest FROM jobs WHERE status = 'queued'`,
  );
  return row?.oldest ?? undefined;
}

export interface BatchRow {
  readonly batch_id: HashHex;
  /** Secret: whoever knows it knows the rows. */
  readonly seed: string;
  readonly row_count: number;
  readonly version: number;
  /** What the rows are drawn from: a split, or the task that a submission answers. */
  readonly source: 'validation' | 'train' | 'task';
  /** Of source `task`. */
  readonly submission_id: string | null;
}

export async function saveBatch(db: Queryable, batch: BatchRow): Promise<void> {
  await db.query(
    `INSERT INTO batches (batch_id, seed, row_count, version, source, submission_id) VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT (batch_id) DO NOTHING`,
    [batch.batch_id, batch.seed, batch.row_count, batch.version, batch.source, batch.submission_id],
  );
}

export async function findBatch(db: Queryable, batchId: string): Promise<BatchRow | undefined> {
  const [row] = await db.query<BatchRow>('SELECT * FROM batches WHERE batch_id = $1', [batchId]);
  return row;
}

export function findBatches(db: Queryable, batchIds: readonly string[]): Promise<BatchRow[]> {
  return db.query<BatchRow>('SELECT * FROM batches WHERE batch_id = ANY($1)', [batchIds]);
}

/** Rows a scorer has scored and not been paid for (CHAIN-2's scoring role). */
export async function addScorerWork(db: Queryable, rewardAddress: string, rows: number): Promise<void> {
  await db.query(
    `INSERT INTO scorer_work (reward_address, unpaid_rows) VALUES ($1, $2)
     ON CONFLICT (reward_address) DO UPDATE SET unpaid_rows = scorer_work.unpaid_rows + EXCLUDED.unpaid_rows`,
    [rewardAddress, rows],
  );
}
