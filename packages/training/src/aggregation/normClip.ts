/**
 * @file The bound that keeps one loud submitter from outvoting the rest: each tensor is scaled down to the running
 * median of submitter norms (SPEC AGG-1). Only norms are kept, not submissions: 8 bytes for each tensor of each. Who did
 * less work than others is measured in units of what so much work moves, `expected`, so that neither its small norm
 * holds the others down nor theirs lets it send more than it did.
 * Method: median-norm clipping as in centred clipping, Karimireddy et al. 2021, with zero as the centre.
 */
import type { SparseDelta, TensorLayout } from '@alice/protocol';
import { RunningMedian } from './runningMedian.js';

export class NormClip {
  readonly #medians: RunningMedian[];

  constructor(layout: TensorLayout) {
    this.#medians = layout.tensors.map(() => new RunningMedian());
  }

  /** Takes note of a submission's norms, one for each tensor of the model. */
  observe(norms: Float64Array, expected = 1): void {
    this.#medians.forEach((median, tensor) => {
      median.add(norms[tensor]! / expected);
    });
  }

  /** The factor in [0, 1] for each tensor of the model: min(1, expected · median / norm). */
  factorsFor(norms: Float64Array, expected = 1): Float64Array {
    return norms.map((norm, tensor) => {
      const bound = expected * this.#medians[tensor]!.lower;
      return norm > bound ? bound / norm : 1;
    });
  }
}

/** L2 norm of each tensor's part of a delta; zero for a tensor it leaves out. */
export function tensorNorms({ tensors }: SparseDelta, layout: TensorLayout): Float64Array {
  const norms = new Float64Array(layout.tensors.length);
  for (const { tensor, values } of tensors) {
    let sum = 0;
    for (let i = 0; i < values.length; i++) sum += values[i]! * values[i]!;
    norms[tensor] = Math.sqrt(sum);
  }
  return norms;
}
