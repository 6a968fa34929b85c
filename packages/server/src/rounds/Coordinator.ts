/**
 * @file Drives the training clock: one step after another, never two at once. A step expires what is late, inspects what
 * arrived, moves the round on and prunes. Wakes on a nudge and on a timer; a failing step is logged and tried again.
 */
import { messageOf } from '@alice/protocol';
import { collectGarbage } from '../blobs/collectGarbage.js';
import type { ServerContext } from '../context.js';
import { issueReceipts } from '../receipts/issueReceipts.js';
import { forgetOld } from '../state/forgetOld.js';
import { deleteJobs, requeueExpired } from '../state/jobs.js';
import { findSubmission } from '../state/submissions.js';
import { expireTasks } from '../state/tasks.js';
import { advanceRound } from './advanceRound.js';
import { inspectSubmissions } from './inspectSubmissions.js';
import { recordVerdict } from './recordVerdict.js';

export interface Coordinator {
  /** One full step; resolves when nothing more can be done now. Steps asked for meanwhile are merged into one. */
  step(): Promise<void>;
  start(): void;
  /** Waits for the step in progress. */
  stop(): Promise<void>;
}

const STEP_EVERY_MS = 500;
const RETRY_AFTER_MS = 2_000;

/** `advance`: moves the round a step on; a regional server has its own. */
export function createCoordinator(context: ServerContext, advance = advanceRound): Coordinator {
  let running: Promise<void> | undefined;
  let isAgain = false;
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;

  const step = (): Promise<void> => {
    if (running) {
      isAgain = true;
      return running;
    }
    running = (async () => {
      do {
        isAgain = false;
        await coordinate(context, advance);
      } while (isAgain && !isStopped);
    })().finally(() => {
      running = undefined;
    });
    return running;
  };

  const tick = async (): Promise<void> => {
    let waitMs = STEP_EVERY_MS;
    try {
      await step();
    } catch (error) {
      if (isStopped) return;
      waitMs = RETRY_AFTER_MS;
      context.log.error('Step of the round failed; it is tried again', { error: messageOf(error) });
    }
    if (!isStopped) timer = setTimeout(() => void tick(), waitMs);
  };

  return {
    step,
    start: () => void tick(),
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await running?.catch(() => undefined);
    },
  };
}

async function coordinate(context: ServerContext, advance: typeof advanceRound): Promise<void> {
  const { db, now, log, waiting } = context;
  const expired = await expireTasks(db, { nowMs: now(), latestMs: latestMs(context) });
  if (expired > 0) {
    log.info('Tasks expired', { expired });
    waiting.tasks.wake();
  }
  await takeBackJobs(context);
  await inspectSubmissions(context);
  let hasMoved = false;
  while (await advance(context)) hasMoved = true;
  await issueReceipts(context);
  if (hasMoved) {
    const removed = await collectGarbage(context);
    if (removed > 0) log.debug('Old blobs removed', { removed });
    await forgetOld(db, now());
  }
}

/** No honest time is that late, where the clock of this node made them all. */
const CLOCK_SLACK_MS = 60_000;
const FAR_AWAY_MS = 2 ** 52;

/**
 * What bears a later time was written before this clock was set back: waiting until that time comes again would stop the
 * round for hours. Of nodes that share a database another's clock may be ahead.
 */
function latestMs({ db, now }: ServerContext): number {
  return db.shared ? FAR_AWAY_MS : now() + CLOCK_SLACK_MS;
}

/** A scorer fell silent: the job goes back; a submission that no scorer survives is given up (SCORE-6). */
async function takeBackJobs(context: ServerContext): Promise<void> {
  const { db, now, limits, log, waiting } = context;
  const jobs = await requeueExpired(db, { nowMs: now(), latestMs: latestMs(context) + limits.leaseMs });
  for (const job of jobs) {
    log.warn('Scoring job taken back', { job: job.job_id, kind: job.kind, attempts: job.attempts });
    if ((job.kind !== 'submission' && job.kind !== 'work') || job.attempts < limits.jobAttempts) continue;
    await db.transaction(async (tx) => {
      const row = await findSubmission(tx, job.subject);
      const reason = `No scorer finished it in ${limits.jobAttempts} attempts.`;
      if (row) await recordVerdict(tx, row, { status: 'refused', code: 'SCORING_FAILED', reason });
      await deleteJobs(tx, 'submission', job.subject);
      await deleteJobs(tx, 'work', job.subject);
    });
  }
  if (jobs.length > 0) waiting.jobs.wake();
}
