/** @file The aggregate of a round a part of the model at a time: memory is one part of it, whatever holds the sums. */
import type { TensorLayout } from '@alice/protocol';
import { combineGroups } from './combineGroups.js';
import type { TermStore } from './termStore.js';

export interface AggregatePart {
  readonly offset: number;
  /** Good until the next part is asked for; whoever asks may overwrite it. */
  readonly delta: Float32Array;
}

/** In layout order, in parts as `terms` has them; `weights` are those of its groups, in grid steps. */
export function* aggregateParts(
  layout: TensorLayout,
  weights: ArrayLike<number>,
  terms: TermStore,
): Generator<AggregatePart> {
  const memory = new Float32Array(Math.min(terms.partElements, layout.size));
  for (let offset = 0; offset < layout.size; offset += memory.length) {
    const delta = memory.subarray(0, Math.min(memory.length, layout.size - offset));
    combineGroups(terms.sums(offset, delta.length), weights, delta);
    yield { offset, delta };
  }
}
