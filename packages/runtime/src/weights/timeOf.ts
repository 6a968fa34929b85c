/** @file Looks up what the benchmark has measured. */
import { WEIGHTS } from './weights.js';

export type Weighted = keyof typeof WEIGHTS;

/** Execution time of a call with `items` items, in picoseconds. */
export function timeOf(name: Weighted, items = 0): bigint {
  const [base, item] = WEIGHTS[name];
  return base + item * BigInt(items);
}
