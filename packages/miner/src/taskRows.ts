/** @file The rows a task trains on: its token ranges, cut and shuffled as every miner does (SPEC TASK-1). */
import { bytesToTokens, cutRows, rowCount, shuffleRows } from '@alice/data';
import type { Task } from '@alice/protocol';
import { MinerError } from './errors.js';

export interface TaskRows {
  /** Rows × (sequenceLength + 1) token ids. */
  readonly rows: Uint16Array;
  /** Inner steps these rows suffice for, at most what the task asks. */
  readonly steps: number;
}

/** Throws `TASK_INVALID` when a range is outside its shard or all together hold less than one step. */
export function rowsOfTask(task: Task, shards: ReadonlyMap<number, Uint8Array>): TaskRows {
  const { ranges, settings } = task;
  const rowLength = settings.sequenceLength + 1;
  const cut = new Uint16Array(
    ranges.reduce((sum, { count }) => sum + rowCount(count, rowLength), 0) * rowLength,
  );
  let at = 0;
  for (const range of ranges) {
    const rows = cutRows(tokensOf(range, shards.get(range.shard)), rowLength);
    cut.set(rows, at);
    at += rows.length;
  }
  const available = Math.floor(cut.length / rowLength / settings.rowsPerStep);
  const steps = Math.min(settings.innerSteps, available, settings.learningRates.length);
  if (steps < 1)
    throw invalid('ranges', `its ranges hold less than one step of ${settings.rowsPerStep} rows`);
  return { rows: shuffleRows(cut, rowLength, task.seed), steps };
}

function tokensOf(
  { shard, from, count }: Task['ranges'][number],
  bytes: Uint8Array | undefined,
): Uint16Array {
  const tokens = bytes === undefined ? new Uint16Array() : bytesToTokens(bytes);
  if (from + count > tokens.length)
    throw invalid('ranges', `tokens ${from}…${from + count} are outside shard ${shard} of ${tokens.length}`);
  return tokens.subarray(from, from + count);
}

function invalid(field: string, why: string): MinerError {
  return new MinerError({ code: 'TASK_INVALID', field }, `the task cannot be done: ${why}`);
}
