/** @file What a receipt says (SCORE-5), from stored rows alone, and when it may be shown. Signs nothing. */
import type { DrawnRows, Receipt } from '@alice/protocol';
import type { ServerContext } from '../context.js';
import type { Queryable } from '../database/Database.js';
import { usedRows } from '../scoring/batchTokens.js';
import { type BatchRow, doneJobsOf, findBatches, type JobRow } from '../state/jobs.js';
import type { SubmissionRow } from '../state/submissions.js';
import { type TaskRow, tasksById } from '../state/tasks.js';

export interface BuiltReceipt {
  readonly receipt: Receipt;
  /** With this version out nobody is scored on its rows any more, so they are no secret. */
  readonly publicVersion: number;
}

type ReceiptContext = Pick<ServerContext, 'options' | 'networkId' | 'data'>;

/** What receipts are made from besides the submissions themselves. */
interface Sources {
  readonly jobs: readonly JobRow[];
  readonly batches: ReadonlyMap<string, BatchRow>;
  readonly tasks: ReadonlyMap<string, TaskRow>;
}

/** In the order of the rows, with three queries for all of them. */
export async function buildReceipts(
  context: ReceiptContext,
  db: Queryable,
  rows: readonly SubmissionRow[],
): Promise<BuiltReceipt[]> {
  const jobs = await doneJobsOf(
    db,
    rows.map(({ submission_id }) => submission_id),
  );
  const batchIds = jobs.flatMap(({ batch_id, control_batch_id }) => [batch_id, control_batch_id ?? batch_id]);
  const probed = new Set(jobs.flatMap(({ kind, subject }) => (kind === 'work' ? [subject] : [])));
  const taskIds = rows.flatMap((row) => (probed.has(row.submission_id) ? [row.task_id] : []));
  const sources: Sources = {
    jobs,
    batches: new Map((await findBatches(db, [...new Set(batchIds)])).map((batch) => [batch.batch_id, batch])),
    tasks: new Map((await tasksById(db, taskIds)).map((task) => [task.task_id, task])),
  };
  return rows.map((row) => buildReceipt(context, sources, row));
}

function buildReceipt(context: ReceiptContext, sources: Sources, row: SubmissionRow): BuiltReceipt {
  const jobs = sources.jobs.filter(({ subject }) => subject === row.submission_id);
  const looks = jobs.filter(({ kind }) => kind === 'submission');
  const work = jobs.find(({ kind }) => kind === 'work');
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
    looks: looks.map((job) => ({
      ...whereOf(job),
      drawn: drawn(sources, { job, batchId: job.batch_id, from: 0 }),
    })),
    gainNats: row.gain_nats,
    standardErrorNats: row.error_nats,
    work: work ? workOf(sources, { row, job: work }) : null,
    verifiedTokens: row.verified_tokens,
    ...(row.smoothed_rate === null
      ? {}
      : { pay: { previousRate: row.previous_rate, smoothedRate: row.smoothed_rate } }),
    score: row.score,
  };
  return { receipt, publicVersion: Math.max(row.version, ...measured) + 1 };
}

function workOf(sources: Sources, { row, job }: { row: SubmissionRow; job: JobRow }): Receipt['work'] {
  const task = sources.tasks.get(row.task_id)?.task;
  if (!task || job.control_batch_id === null) return null;
  const assigned = drawn(sources, { job, batchId: job.batch_id, from: 0 });
  return {
    ...whereOf(job),
    assigned,
    control: drawn(sources, { job, batchId: job.control_batch_id, from: assigned.rows }),
    ranges: task.ranges.map(({ shard, from, count }) => ({ shard, from, count })),
    orderSeed: task.seed,
    usedRows: usedRows(task, row.steps),
    covered: row.covered,
  };
}

const whereOf = ({ version, state_root }: JobRow) => ({ version, stateRoot: state_root });

function drawn(
  { batches }: Sources,
  { job, batchId, from }: { job: JobRow; batchId: string; from: number },
): DrawnRows {
  const { seed, row_count: rows, batch_id } = batches.get(batchId)!;
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
