/** @file The rows of a scoring batch. Only scorers may have them: whoever knows the rows could train on them. */
import { tokensToBytes } from '@alice/data';
import type { Task } from '@alice/protocol';
import type { ServerContext } from '../context.js';
import { ServerError } from '../errors.js';
import { type BatchRow, findBatch } from '../state/jobs.js';
import { findSubmission } from '../state/submissions.js';
import { taskById } from '../state/tasks.js';
import { cutRanges, probedRows } from './probedRows.js';

/** Little-endian tokens. Throws `NOT_FOUND`. */
export async function batchTokens(context: ServerContext, batchId: string): Promise<Uint8Array> {
  const batch = await findBatch(context.db, batchId);
  if (!batch) throw gone();
  const { data, options } = context;
  const rowLength = options.training.sequenceLength + 1;
  const drawn = { seed: batch.seed, rows: batch.row_count, rowLength };
  if (batch.source === 'validation') return data.validationRows(drawn);
  if (batch.source === 'train') return data.trainingRows(drawn);
  return ownRows(context, batch);
}

async function ownRows({ db, data }: ServerContext, batch: BatchRow): Promise<Uint8Array> {
  const submission = await findSubmission(db, batch.submission_id!);
  const task = submission && (await taskById(db, submission.task_id))?.task;
  if (!submission || !task) throw gone();
  const { ranges, settings, seed: orderSeed } = task;
  const rowLength = settings.sequenceLength + 1;
  const rows = await cutRanges(ranges, rowLength, (shard) => data.shardTokens(shard));
  const used = usedRows(task, submission.steps);
  const picked = probedRows(
    { rows, rowLength, orderSeed, used },
    { count: batch.row_count, seed: batch.seed },
  );
  return tokensToBytes(picked);
}

/** Rows of the first `steps` steps of a task. */
export function usedRows({ ranges, settings }: Pick<Task, 'ranges' | 'settings'>, steps: number): number {
  const stride = settings.sequenceLength;
  const all = ranges.reduce((sum, { count }) => sum + Math.max(0, Math.floor((count - 1) / stride)), 0);
  return Math.min(all, steps * settings.rowsPerStep);
}

function gone(): ServerError {
  return new ServerError({ code: 'NOT_FOUND' }, 'there is no such batch');
}
