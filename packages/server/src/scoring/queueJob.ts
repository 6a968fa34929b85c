/** @file Puts scoring work into the queue, together with the batch it is scored on, in the caller's transaction. */
import { randomUUID } from 'node:crypto';
import type { HashHex, Task } from '@alice/protocol';
import type { BlobRef } from '../blobs/BlobStore.js';
import type { ServerContext } from '../context.js';
import type { Queryable } from '../database/Database.js';
import { insertJobs, type NewJob, saveBatch } from '../state/jobs.js';
import type { SubmissionRow } from '../state/submissions.js';
import { batchFor } from './batches.js';
import { usedRows } from './batchTokens.js';

/** What a job is scored against. */
export interface ScoringBase {
  readonly version: number;
  readonly state_root: HashHex;
}

/** Queues one look at each of these: a quarter step (SCORE-4) on the rows of (current version, look). */
export async function queueSubmissionJobs(
  context: ServerContext,
  tx: Queryable,
  {
    submissions,
    base,
    look,
  }: {
    submissions: readonly { submissionId: string; blob: BlobRef }[];
    base: ScoringBase;
    look: number;
  },
): Promise<void> {
  const batch = batchFor(context, { kind: 'score', version: base.version, look });
  await saveBatch(tx, batch);
  await insertJobs(
    tx,
    submissions.map(({ submissionId, blob }) => ({
      job_id: randomUUID(),
      kind: 'submission',
      subject: submissionId,
      version: base.version,
      state_root: base.state_root,
      batch_id: batch.batch_id,
      batch_index: look,
      blob,
      step_fraction: context.options.training.stepFraction,
    })),
    context.now(),
  );
}

/**
 * Queues the work tests of a submission that has passed the gate: its whole delta, on rows of its own task and on the
 * control rows of (round, current version). // SPEC SCORE-4
 */
export async function queueWorkJob(
  context: ServerContext,
  tx: Queryable,
  { submission, task, base }: { submission: SubmissionRow; task: Task; base: ScoringBase },
): Promise<void> {
  const { submission_id: submissionId, round, steps } = submission;
  const rows = Math.min(context.options.training.work.rows, usedRows(task, steps));
  const assigned = batchFor(context, { kind: 'work', version: base.version, submissionId, rows });
  const control = batchFor(context, { kind: 'control', version: base.version, round });
  await saveBatch(tx, assigned);
  await saveBatch(tx, control);
  const job: NewJob = {
    job_id: randomUUID(),
    kind: 'work',
    subject: submissionId,
    version: base.version,
    state_root: base.state_root,
    batch_id: assigned.batch_id,
    control_batch_id: control.batch_id,
    batch_index: 0,
    blob: { hash: submission.blob_hash, sizeBytes: submission.size_bytes },
    step_fraction: 1,
  };
  await insertJobs(tx, [job], context.now());
}

/** Queues a version (`baseline`) or a candidate on the report rows. */
export async function queueReportJob(
  context: ServerContext,
  tx: Queryable,
  {
    kind,
    subject,
    blob,
    base,
  }: { kind: 'baseline' | 'candidate'; subject: number; blob: BlobRef | null; base: ScoringBase },
): Promise<void> {
  const batch = batchFor(context, { kind: 'report' });
  await saveBatch(tx, batch);
  const job: NewJob = {
    job_id: randomUUID(),
    kind,
    subject: String(subject),
    version: base.version,
    state_root: base.state_root,
    batch_id: batch.batch_id,
    batch_index: 0,
    blob,
    step_fraction: 1,
  };
  await insertJobs(tx, [job], context.now());
}
