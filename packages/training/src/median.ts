/** @file The median used for clip bounds and pay: always one of the values, so that it is exact and cannot be pulled. */

/**
 * The lower median: of an even count the smaller middle value, so that one of two submitters cannot lift the bound
 * the other is held to. 0 for no values.
 */
export function lowerMedian(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[(sorted.length - 1) >> 1] ?? 0;
}
