/**
 * @file The bound that keeps one loud submitter from outvoting the rest: each tensor is scaled down to the running
 * median of submitter norms (SPEC AGG-1). Only norms are kept, not submissions. Who did less work than others is measured
 * in units of what so much work moves, `expected`, so that neither its small norm holds the others down nor theirs lets
 * it send more than it did.
 * Method: median-norm clipping as in centred clipping, Karimireddy et al. 2021, with zero as the centre.
 */
import type { SparseDelta, TensorLayout } from '@alice/protocol';
import { lowerMedian } from '../median.js';

export class NormClip {
  readonly #norms: number[][];

  constructor(layout: TensorLayout) {
    this.#norms = layout.tensors.map(() => []);
  }

  /** Takes note of a submission's norms: one for each tensor of the model, zero for a tensor it leaves out. */
  observe(delta: SparseDelta, expected = 1): void {
    const norms = normsOf(delta, this.#norms.length);
    this.#norms.forEach((seen, tensor) => {
      seen.push(norms[tensor]! / expected);
    });
  }

  /** The factor in [0, 1] for each tensor of the model: min(1, expected · median / norm). */
  factorsFor(delta: SparseDelta, expected = 1): Float64Array {
    const norms = normsOf(delta, this.#norms.length);
    return norms.map((norm, tensor) => {
      const bound = expected * lowerMedian(this.#norms[tensor]!);
      return norm > bound ? bound / norm : 1;
    });
  }
}

/** L2 norm of each tensor's part of a delta. */
function normsOf({ tensors }: SparseDelta, count: number): Float64Array {
  const norms = new Float64Array(count);
  for (const { tensor, values } of tensors) {
    let sum = 0;
    for (let i = 0; i < values.length; i++) sum += values[i]! * values[i]!;
    norms[tensor] = Math.sqrt(sum);
  }
  return norms;
}
