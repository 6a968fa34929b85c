/**
 * @file Weighted sums that do not depend on the order of their terms: each term is rounded to a fixed grid, so every
 * partial sum is an integer below 2⁵³ grid steps and FP64 adds it without error. That is what lets any party
 * recompute a state root bit for bit (SPEC AGG-4). The grid is four orders finer than FP16's smallest subnormal.
 */

/** One grid step is 2⁻⁴⁰ ≈ 9.1e-13. */
const STEPS_PER_UNIT = 2 ** 40;
/** Terms up to this size leave room for 512 of them at the extreme; ordinary deltas are thousands of times smaller. */
export const MAX_TERM = 16;

export class ExactSum {
  readonly #steps: Float64Array;
  #weightSteps = 0;

  constructor(size: number) {
    this.#steps = new Float64Array(size);
  }

  /** Adds `factor · values` at `indices`; |factor · value| ≤ MAX_TERM. */
  addAt(
    indices: Uint32Array,
    values: Float32Array,
    { offset, factor }: { offset: number; factor: number },
  ): void {
    const scale = factor * STEPS_PER_UNIT;
    for (let i = 0; i < indices.length; i++)
      this.#steps[offset + indices[i]!]! += Math.round(scale * values[i]!);
  }

  /** Counts a term's weight towards the mean's divisor. */
  addWeight(weight: number): void {
    this.#weightSteps += Math.round(weight * STEPS_PER_UNIT);
  }

  get isEmpty(): boolean {
    return this.#weightSteps === 0;
  }

  /** Weighted mean of element `index`. */
  meanAt(index: number): number {
    return this.#steps[index]! / this.#weightSteps;
  }
}
