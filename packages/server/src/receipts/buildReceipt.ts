/** @file What a receipt says (SCORE-5), from stored rows alone, and when it may be shown. Signs nothing. */
import type { DrawnRows, Receipt } from '@alice/protocol';
import type { ServerContext } from '../context.js';
import type { Queryable } from '../database/Database.js';
import { usedRows } from '../scoring/batchTokens.js';
import { findBatch, type JobRow, jobsOf } from '../state/jobs.js';
import type { SubmissionRow } from '../state/submissions.js';
import { taskById } from '../state/tasks.js';

export interface BuiltReceipt {
  readonly receipt: Receipt;
  /** With this version out nobody is scored on its rows any more, so they are no secret. */
  readonly publicVersion: number;
}

export async function buildReceipt(
  context: Pick<ServerContext, 'options' | 'networkId' | 'data'>,
  tx: Queryable,
  row: SubmissionRow,
): Promise<BuiltReceipt> {
  const done = ({ status }: JobRow): boolean => status === 'done';
  const looks = (await jobsOf(tx, 'submission', row.submission_id)).filter(done);
  const [work] = (await jobsOf(tx, 'work', row.submission_id)).filter(done);
  const measured = [...looks, ...(work ? [work] : [])].map(({ version }) => version);
  const { options, networkId, data } = context;
  const receipt: Receipt = {
    format: 'alice-receipt-1',
    networkId,
    serverId: options.serverKey.address,
    dataRoot: data.root,
    submissionId: row.submission_id,
    taskId: row.task_id,
    address: row.address,
    instance: row.instance,
    rewardAddress: row.reward_address,
    round: row.round,
    baseVersion: row.version,
    blob: { hash: row.blob_hash, sizeBytes: row.size_bytes },
    steps: row.steps,
    tokens: row.tokens,
    outcome: row.status === 'accepted' ? 'accepted' : 'refused',
    code: row.code,
    mergedRound: row.status === 'accepted' ? row.folded_round : null,
    rowLength: options.training.sequenceLength + 1,
    stepFraction: looks[0]?.step_fraction ?? options.training.stepFraction,
    looks: await Promise.all(
      looks.map(async (job) => ({
        ...whereOf(job),
        drawn: await drawn(tx, { job, batchId: job.batch_id, from: 0 }),
      })),
    ),
    gainNats: row.gain_nats,
    standardErrorNats: row.error_nats,
    work: work ? await workOf(tx, { row, job: work }) : null,
    verifiedTokens: row.verified_tokens,
    ...(row.smoothed_rate === null
      ? {}
      : { pay: { previousRate: row.previous_rate, smoothedRate: row.smoothed_rate } }),
    score: row.score,
  };
  return { receipt, publicVersion: Math.max(row.version, ...measured) + 1 };
}

async function workOf(
  tx: Queryable,
  { row, job }: { row: SubmissionRow; job: JobRow },
): Promise<Receipt['work']> {
  const task = (await taskById(tx, row.task_id))?.task;
  if (!task || job.control_batch_id === null) return null;
  const assigned = await drawn(tx, { job, batchId: job.batch_id, from: 0 });
  return {
    ...whereOf(job),
    assigned,
    control: await drawn(tx, { job, batchId: job.control_batch_id, from: assigned.rows }),
    ranges: task.ranges.map(({ shard, from, count }) => ({ shard, from, count })),
    orderSeed: task.seed,
    usedRows: usedRows(task, row.steps),
    covered: row.covered,
  };
}

const whereOf = ({ version, state_root }: JobRow) => ({ version, stateRoot: state_root });

async function drawn(
  tx: Queryable,
  { job, batchId, from }: { job: JobRow; batchId: string; from: number },
): Promise<DrawnRows> {
  const { seed, row_count: rows, batch_id } = (await findBatch(tx, batchId))!;
  const mean = (losses: readonly number[]): number =>
    losses.slice(from, from + rows).reduce((sum, loss) => sum + loss, 0) / rows;
  return {
    batchId: batch_id,
    seed,
    rows,
    meanLossBeforeNats: mean(job.losses_before!),
    meanLossAfterNats: job.losses_after && mean(job.losses_after),
  };
}
