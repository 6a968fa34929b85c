/** @file The rows a task trains on: its token range of the shard, cut and shuffled as every miner does (SPEC TASK-1). */
import { bytesToTokens, cutRows, shuffleRows } from '@alice/data';
import type { Task } from '@alice/protocol';
import { MinerError } from './errors.js';

export interface TaskRows {
  /** Rows × (sequenceLength + 1) token ids. */
  readonly rows: Uint16Array;
  /** Inner steps these rows suffice for, at most what the task asks. */
  readonly steps: number;
}

/** Throws `TASK_INVALID` when the range is outside the shard or holds less than one step. */
export function rowsOfTask(task: Task, shard: Uint8Array): TaskRows {
  const { from, count, settings } = task;
  const tokens = bytesToTokens(shard);
  if (from + count > tokens.length)
    throw invalid('from', `tokens ${from}…${from + count} are outside a shard of ${tokens.length}`);
  const rowLength = settings.sequenceLength + 1;
  const rows = shuffleRows(cutRows(tokens.subarray(from, from + count), rowLength), rowLength, task.seed);
  const available = Math.floor(rows.length / rowLength / settings.rowsPerStep);
  const steps = Math.min(settings.innerSteps, available, settings.learningRates.length);
  if (steps < 1)
    throw invalid('count', `${count} tokens are less than one step of ${settings.rowsPerStep} rows`);
  return { rows, steps };
}

function invalid(field: string, why: string): MinerError {
  return new MinerError({ code: 'TASK_INVALID', field }, `the task cannot be done: ${why}`);
}
