/**
 * @file Rows of its own task that a submission is probed on (SCORE-4 a, b): drawn from those its claimed steps used,
 * with a seed nobody knows before it is in. Pure; must cut and order rows exactly as miners do (TASK-1).
 */
import { cutRows, shuffleRows } from '@alice/data';
import { seededRandom } from '@alice/protocol';

export interface ProbedTask {
  /** Rows × rowLength ids, cut from the task's ranges in their order. */
  readonly rows: Uint16Array;
  readonly rowLength: number;
  /** The task's seed for the order of its rows. */
  readonly orderSeed: string;
  /** Rows of the steps the submission claims; the others were never trained on and are no one's fault. */
  readonly used: number;
}

/** `count` different ones of the used rows, a pure function of `seed`. */
export function probedRows(
  { rows, rowLength, orderSeed, used }: ProbedTask,
  { count, seed }: { count: number; seed: string },
): Uint16Array {
  const ordered = shuffleRows(rows, rowLength, orderSeed);
  const left = Array.from({ length: Math.min(used, rows.length / rowLength) }, (_, i) => i);
  const random = seededRandom(seed);
  const picked = new Uint16Array(Math.min(count, left.length) * rowLength);
  for (let at = 0; at < picked.length; at += rowLength) {
    const [row] = left.splice(random.below(left.length), 1) as [number];
    picked.set(ordered.subarray(row * rowLength, (row + 1) * rowLength), at);
  }
  return picked;
}

export interface Range {
  readonly shard: number;
  readonly from: number;
  readonly count: number;
}

/** The rows of a task's ranges, in their order. */
export async function cutRanges(
  ranges: readonly Range[],
  rowLength: number,
  shardTokens: (shard: number) => Promise<Uint16Array>,
): Promise<Uint16Array> {
  const parts: Uint16Array[] = [];
  for (const { shard, from, count } of ranges)
    parts.push(cutRows((await shardTokens(shard)).subarray(from, from + count), rowLength));
  const rows = new Uint16Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    rows.set(part, at);
    at += part.length;
  }
  return rows;
}
