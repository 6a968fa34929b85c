/** @file Weights of a file as a set-delta would make them, without writing them: each range is changed as it is read. */
import type { WeightSource } from '@alice/model';
import type { SetDelta } from '@alice/protocol';
import { lowerBound } from '../lowerBound.js';

/** `source` must hold halves; it stays the caller's. Cost: a copy of each range, and the entries within it. */
export function changedWeights(source: WeightSource, delta: SetDelta): WeightSource {
  return {
    dtype: source.dtype,
    size: source.size,
    prefetch: (range) => source.prefetch(range),
    async read(range) {
      const halves = (await source.read(range)).slice();
      const end = range.offset + range.size;
      for (const { offset, indices, values } of delta.tensors) {
        for (let i = lowerBound(indices, range.offset - offset); i < indices.length; i++) {
          const place = offset + indices[i]!;
          if (place >= end) break;
          halves[place - range.offset] = values[i]!;
        }
      }
      return halves;
    },
    close: async () => {},
  };
}
