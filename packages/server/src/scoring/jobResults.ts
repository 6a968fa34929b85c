/**
 * @file The scorers' side of the queue: lease a job, keep it, answer it. An answer, the scorer's credit and what
 * follows for the submission are one transaction; sending the same answer twice changes nothing.
 */
import type { ScoringJob, ScoringResult } from '@alice/protocol';
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
import { findSubmission } from '../state/submissions.js';
import { latestVersion, setHeldOutLoss } from '../state/versions.js';
import { queueSubmissionJob } from './queueJob.js';
import { submissionVerdict } from './submissionVerdict.js';

const ownerOf = (scorer: Member): string => `${scorer.address}/${scorer.instance}`;

/** The next job, leased, or undefined when none is queued. */
export async function takeJob(context: ServerContext, scorer: Member): Promise<ScoringJob | undefined> {
  const nowMs = context.now();
  context.health.lastScorerSeenMs = nowMs;
  const row = await leaseJob(context.db, { owner: ownerOf(scorer), untilMs: nowMs + context.limits.leaseMs });
  return row && jobMessage(context, row);
}

export async function keepJob(context: ServerContext, scorer: Member, jobId: string): Promise<ScoringJob> {
  const row = await ownJob(context.db, scorer, jobId);
  const untilMs = context.now() + context.limits.leaseMs;
  context.health.lastScorerSeenMs = context.now();
  await extendLease(context.db, jobId, untilMs);
  return jobMessage(context, { ...row, lease_until_ms: untilMs });
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
    const rows = (await findBatch(tx, job.batch_id))!.row_count;
    checkResult(result, rows);
    const nowMs = context.now();
    await finishJob(tx, jobId, { before: result.lossesBefore, after: result.lossesAfter, nowMs });
    await addScorerWork(tx, scorer.rewardAddress, rows);
    if (job.kind === 'baseline')
      await setHeldOutLoss(tx, job.version, meanLoss(Float64Array.from(result.lossesBefore)));
    if (job.kind === 'submission') await decide(context, tx, job);
    return job;
  });
  context.health.lastScorerSeenMs = context.now();
  context.waiting.jobs.wake();
  context.nudge();
  context.changed();
  return jobMessage(context, row);
}

/** Decides the submission from all looks so far, or queues another look on the current version. */
async function decide(context: ServerContext, tx: Queryable, job: JobRow): Promise<void> {
  const submission = (await findSubmission(tx, job.subject))!;
  const looks = (await jobsOf(tx, 'submission', job.subject)).filter(({ status }) => status === 'done');
  const verdict = submissionVerdict(
    looks.map((look) => ({ before: look.losses_before!, after: look.losses_after })),
    context.options.training.gate,
  );
  if (verdict.next === 'look') {
    const base = (await latestVersion(tx))!;
    const blob = { hash: submission.blob_hash, sizeBytes: submission.size_bytes };
    await queueSubmissionJob(context, tx, { submissionId: job.subject, blob, base, look: looks.length });
    return;
  }
  const scored = looks.map((look) => ({ version: look.version, batchId: look.batch_id }));
  await recordVerdict(tx, submission, { ...verdict, scored });
  context.log.info('Submission scored', {
    submission: job.subject,
    status: verdict.status,
    code: verdict.code,
    gainNats: verdict.gainNats,
    looks: looks.length,
  });
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

function jobMessage({ options }: ServerContext, row: JobRow): ScoringJob {
  return {
    jobId: row.job_id,
    kind: row.kind,
    version: row.version,
    stateRoot: row.state_root,
    batchId: row.batch_id,
    rowLength: options.training.sequenceLength + 1,
    blob: row.blob,
    stepFraction: row.step_fraction,
    leaseUntilMs: row.lease_until_ms,
  };
}
