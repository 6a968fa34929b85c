/**
 * @file The scorers' side of the queue: lease a job, keep it, answer it. An answer, the scorer's credit and what
 * follows for the submission are one transaction; sending the same answer twice changes nothing.
 */
import type { ScoringJob, ScoringResult } from '@alice/protocol';
import { rowGapsNats } from '@alice/training';
import type { ServerContext } from '../context.js';
import type { Queryable } from '../database/Database.js';
import { ServerError } from '../errors.js';
import { meanLoss } from '../rounds/publishVersion.js';
import { recordVerdict } from '../rounds/recordVerdict.js';
import {
  addScorerWork,
  extendLease,
  findBatch,
  findJob,
  finishJob,
  type JobRow,
  jobsOf,
  leaseJob,
} from '../state/jobs.js';
import type { Member } from '../state/members.js';
import { candidateSnapshot } from '../state/rounds.js';
import { findSubmission, type SubmissionRow, type Verdict } from '../state/submissions.js';
import { taskById } from '../state/tasks.js';
import { latestVersion, setHeldOutLoss } from '../state/versions.js';
import { findContribution } from '../upstream/regionReceipts.js';
import { queueSubmissionJobs, queueWorkJob } from './queueJob.js';
import { submissionVerdict } from './submissionVerdict.js';

const ownerOf = (scorer: Member): string => `${scorer.address}/${scorer.instance}`;

/** The next job, leased, or undefined when none is queued. */
export async function takeJob(context: ServerContext, scorer: Member): Promise<ScoringJob | undefined> {
  const nowMs = context.now();
  context.health.lastScorerSeenMs = nowMs;
  const row = await leaseJob(context.db, { owner: ownerOf(scorer), untilMs: nowMs + context.limits.leaseMs });
  return row && offered(context, row);
}

export async function keepJob(context: ServerContext, scorer: Member, jobId: string): Promise<ScoringJob> {
  const row = await ownJob(context.db, scorer, jobId);
  const untilMs = context.now() + context.limits.leaseMs;
  context.health.lastScorerSeenMs = context.now();
  await extendLease(context.db, jobId, untilMs);
  return offered(context, { ...row, lease_until_ms: untilMs });
}

/** Throws `JOB_UNKNOWN`, `JOB_NOT_YOURS`, `RESULT_INVALID`. */
export async function answerJob(
  context: ServerContext,
  scorer: Member,
  { jobId, result }: { jobId: string; result: ScoringResult },
): Promise<ScoringJob> {
  const row = await context.db.transaction(async (tx) => {
    const job = await ownJob(tx, scorer, jobId);
    if (job.status === 'done') return job;
    const rows = await rowsOf(tx, job);
    checkResult(result, rows);
    const nowMs = context.now();
    await finishJob(tx, jobId, { before: result.lossesBefore, after: result.lossesAfter, nowMs });
    await addScorerWork(tx, scorer.rewardAddress, rows);
    if (job.kind === 'baseline')
      await setHeldOutLoss(tx, job.version, meanLoss(Float64Array.from(result.lossesBefore)));
    if (job.kind === 'submission') await decide(context, tx, job);
    if (job.kind === 'work') await decideWork(context, tx, { job, result });
    return job;
  });
  context.health.lastScorerSeenMs = context.now();
  context.waiting.jobs.wake();
  context.nudge();
  context.changed();
  return jobMessage(context, row);
}

/** The gate: decides from all looks so far, or queues another look, or the work tests for what it lets through. */
async function decide(context: ServerContext, tx: Queryable, job: JobRow): Promise<void> {
  const submission = (await findSubmission(tx, job.subject))!;
  if (submission.status !== 'queued') return;
  const { verdict, looks } = await gateVerdict(context, tx, job.subject);
  const base = (await latestVersion(tx))!;
  if (verdict.next === 'look') {
    const blob = { hash: submission.blob_hash, sizeBytes: submission.size_bytes };
    await queueSubmissionJobs(context, tx, {
      submissions: [{ submissionId: job.subject, blob }],
      base,
      look: looks,
    });
    return;
  }
  const task = (await taskById(tx, submission.task_id))?.task;
  const isProbed =
    context.options.training.work.rows > 0 && !(await findContribution(tx, submission.task_id));
  if (verdict.status === 'accepted' && isProbed && task)
    return queueWorkJob(context, tx, { submission, task, base });
  await conclude(context, tx, { submission, verdict });
}

/** The work tests' row gaps are kept until the round closes: only all of them together say what is little. */
async function decideWork(
  context: ServerContext,
  tx: Queryable,
  { job, result }: { job: JobRow; result: ScoringResult },
): Promise<void> {
  const submission = (await findSubmission(tx, job.subject))!;
  const { verdict } = await gateVerdict(context, tx, job.subject);
  if (verdict.next === 'look') throw new Error('the gate had decided when the work tests were queued');
  const { lossesBefore: before, lossesAfter: after } = result;
  if (after === null) {
    const { scored, gainNats = null, errorNats = null } = verdict;
    const refusal = { status: 'refused', code: 'NOT_FINITE', reason: WHOLE_STEP_BROKEN } as const;
    return conclude(context, tx, { submission, verdict: { ...refusal, scored, gainNats, errorNats } });
  }
  const rows = (await findBatch(tx, job.batch_id))!.row_count;
  const part = (from: number, to?: number) => ({
    before: Float64Array.from(before.slice(from, to)),
    after: Float64Array.from(after.slice(from, to)),
  });
  const gaps = rowGapsNats(part(0, rows), part(rows));
  await conclude(context, tx, { submission, verdict: { ...verdict, gaps } });
}

const WHOLE_STEP_BROKEN = 'Applying the whole delta gave a loss that is not a number.';

/** A pure function of the finished looks, so it may be asked again when the work tests are in. */
async function gateVerdict({ options }: ServerContext, tx: Queryable, submissionId: string) {
  const looks = (await jobsOf(tx, 'submission', submissionId)).filter(({ status }) => status === 'done');
  const verdict = submissionVerdict(
    looks.map((look) => ({ before: look.losses_before!, after: look.losses_after })),
    options.training,
  );
  const scored = looks.map((look) => ({ version: look.version, batchId: look.batch_id }));
  return { verdict: { ...verdict, scored }, looks: looks.length };
}

async function conclude(
  { log }: ServerContext,
  tx: Queryable,
  { submission, verdict }: { submission: SubmissionRow; verdict: Verdict },
): Promise<void> {
  await recordVerdict(tx, submission, verdict);
  log.info('Submission scored', {
    submission: submission.submission_id,
    status: verdict.status,
    code: verdict.code,
    gainNats: verdict.gainNats ?? null,
    looks: verdict.scored?.length ?? 0,
  });
}

async function rowsOf(db: Queryable, job: JobRow): Promise<number> {
  const own = (await findBatch(db, job.batch_id))!.row_count;
  return job.control_batch_id === null ? own : own + (await findBatch(db, job.control_batch_id))!.row_count;
}

async function ownJob(db: Queryable, scorer: Member, jobId: string): Promise<JobRow> {
  const job = await findJob(db, jobId);
  if (!job) throw new ServerError({ code: 'JOB_UNKNOWN' }, 'there is no such job');
  if (job.lease_owner !== ownerOf(scorer))
    throw new ServerError(
      { code: 'JOB_NOT_YOURS' },
      'the lease ran out or another scorer has the job: take a new one',
    );
  return job;
}

function checkResult({ lossesBefore, lossesAfter }: ScoringResult, rows: number): void {
  const refuse = (reason: string): never => {
    throw new ServerError({ code: 'RESULT_INVALID', reason }, `the result does not fit the job: ${reason}`);
  };
  if (lossesBefore.length !== rows) refuse(`${rows} losses before are needed, not ${lossesBefore.length}`);
  if (lossesAfter && lossesAfter.length !== rows)
    refuse(`${rows} losses after are needed, not ${lossesAfter.length}`);
}

/** A candidate without a set-delta is given whole. */
async function offered(context: ServerContext, row: JobRow): Promise<ScoringJob> {
  const message = jobMessage(context, row);
  if (row.kind !== 'candidate' || row.blob !== null) return message;
  const snapshot = await candidateSnapshot(context.db, Number(row.subject));
  return { ...message, ...(snapshot ? { snapshot } : {}) };
}

function jobMessage({ options }: ServerContext, row: JobRow): ScoringJob {
  return {
    jobId: row.job_id,
    kind: row.kind,
    version: row.version,
    stateRoot: row.state_root,
    batchId: row.batch_id,
    ...(row.control_batch_id ? { controlBatchId: row.control_batch_id } : {}),
    rowLength: options.training.sequenceLength + 1,
    blob: row.blob,
    stepFraction: row.step_fraction,
    leaseUntilMs: row.lease_until_ms,
  };
}
