/** @file Weights of a file as a set-delta would make them, without writing them: each range is changed as it is read. */
import type { WeightSource } from '@alice/model';
import type { SetDelta } from '@alice/protocol';

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
        for (let i = firstFrom(indices, range.offset - offset); i < indices.length; i++) {
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

/** The first entry whose index is `least` or more. */
function firstFrom(indices: ArrayLike<number>, least: number): number {
  let [low, high] = [0, indices.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (indices[middle]! < least) low = middle + 1;
    else high = middle;
  }
  return low;
}
