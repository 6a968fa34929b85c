/**
 * @file What paired losses say about a change: the mean gain and how sure it is. The same rows before and after, so
 * that the spread between rows cancels (SPEC SCORE-1, SCORE-2).
 */
import { requireLength } from '../errors.js';

/** Two-sided 95% of a normal distribution. */
const Z_95 = 1.959964;

export interface PairedStatistics {
  readonly rows: number;
  /** Mean of before − after: positive when the change lowered the loss. NaN when a loss is not finite. */
  readonly meanGainNats: number;
  /** Of the mean; infinite for a single row, which says nothing about spread. */
  readonly standardErrorNats: number;
  /** Mean over standard error; 0 when there is no difference at all. */
  readonly z: number;
  readonly interval95Nats: readonly [low: number, high: number];
}

/**
 * Paired t statistics of two loss vectors over the same rows.
 * Formula: d = before − after; SE = sd(d)/√n with n − 1 in the variance; z = mean(d)/SE (Student 1908).
 */
export function pairedStatistics(before: Float64Array, after: Float64Array): PairedStatistics {
  requireLength('the losses after', after.length, before.length);
  const rows = before.length;
  let sum = 0;
  for (let i = 0; i < rows; i++) sum += before[i]! - after[i]!;
  const mean = rows > 0 ? sum / rows : 0;
  let squares = 0;
  for (let i = 0; i < rows; i++) squares += (before[i]! - after[i]! - mean) ** 2;
  const error = rows > 1 ? Math.sqrt(squares / (rows - 1) / rows) : Number.POSITIVE_INFINITY;
  const half = Z_95 * error;
  return {
    rows,
    meanGainNats: mean,
    standardErrorNats: error,
    z: mean === 0 ? 0 : mean / error,
    interval95Nats: [mean - half, mean + half],
  };
}
