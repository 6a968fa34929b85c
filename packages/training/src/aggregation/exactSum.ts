/**
 * @file Weighted sums that do not depend on the order of their terms: each term is rounded to a fixed grid, so every
 * partial sum is an integer below 2⁵³ grid steps and FP64 adds it without error. That is what lets any party
 * recompute a state root bit for bit (SPEC AGG-4). The grid is four orders finer than FP16's smallest subnormal.
 */

/** One grid step is 2⁻⁴⁰ ≈ 9.1e-13. */
const STEPS_PER_UNIT = 2 ** 40;
/** Terms up to this size leave room for 512 of them at the extreme; ordinary deltas are thousands of times smaller. */
export const MAX_TERM = 16;

/** Adds `factor · values` to the sums at `offset + indices`, in grid steps; |factor · value| ≤ MAX_TERM. */
export function addExactly(
  sums: Float64Array,
  { indices, values }: { readonly indices: Uint32Array; readonly values: Float32Array },
  { offset, factor }: { offset: number; factor: number },
): void {
  const scale = factor * STEPS_PER_UNIT;
  for (let i = 0; i < indices.length; i++) sums[offset + indices[i]!]! += Math.round(scale * values[i]!);
}

/** A term's weight in grid steps: a mean divides sums by sums of these. */
export function weightSteps(weight: number): number {
  return Math.round(weight * STEPS_PER_UNIT);
}
