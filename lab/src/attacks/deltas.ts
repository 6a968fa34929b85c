/** @file Arithmetic on sparse deltas that cheats need: scale, disturb, blend. Pure; chance is an argument. */
import { CHUNK_ELEMENTS, type Random, type SparseDelta, type TensorLayout } from '@alice/protocol';
import { selectTopK } from '@alice/training';

export function scaled({ tensors }: SparseDelta, factor: number): SparseDelta {
  return { tensors: tensors.map((part) => ({ ...part, values: part.values.map((x) => factor * x) })) };
}

/** Normal noise on the same places, with the norm of each tensor's part. */
export function noiseLike({ tensors }: SparseDelta, random: Random): SparseDelta {
  return {
    tensors: tensors.map((part) => {
      const noise = part.values.map(() => random.normal());
      const factor = norm(part.values) / Math.max(norm(noise), 1e-30);
      return { ...part, values: noise.map((x) => factor * x) };
    }),
  };
}

/** The delta as a dense vector. */
export function dense({ tensors }: SparseDelta, layout: TensorLayout): Float32Array {
  const vector = new Float32Array(layout.size);
  for (const { tensor, indices, values } of tensors)
    for (let i = 0; i < indices.length; i++)
      vector[layout.tensors[tensor]!.offset + indices[i]!] = values[i]!;
  return vector;
}

/** The largest elements of a dense vector, as an honest submission of this density would have. */
export function sparse(vector: Float32Array, layout: TensorLayout, density: number): SparseDelta {
  return selectTopK(vector, { layout, density });
}

/** `to − from`. */
export function difference(to: Float32Array, from: Float32Array): Float32Array {
  return to.map((x, i) => x - from[i]!);
}

/** `vector` at the norm of `like`. */
export function atNormOf(vector: Float32Array, like: Float32Array): Float32Array {
  const factor = norm(like) / Math.max(norm(vector), 1e-30);
  return vector.map((x) => factor * x);
}

/**
 * A copy that overlap checks do not see: a share of its places is moved within their chunk, the values are disturbed by
 * a tenth.
 */
export function disguised(
  delta: SparseDelta,
  { layout, random, moved }: { layout: TensorLayout; random: Random; moved: number },
): SparseDelta {
  return {
    tensors: delta.tensors.map(({ tensor, indices, values }) => {
      const { size } = layout.tensors[tensor]!;
      const places = new Map<number, number>();
      indices.forEach((index, i) => {
        const value = values[i]! * (1 + 0.1 * random.normal());
        const chunk = index - (index % CHUNK_ELEMENTS);
        const width = Math.min(CHUNK_ELEMENTS, size - chunk);
        places.set(random.unit() < moved ? chunk + random.below(width) : index, value);
      });
      const sorted = [...places].sort(([a], [b]) => a - b);
      return {
        tensor,
        indices: Uint32Array.from(sorted, ([i]) => i),
        values: Float32Array.from(sorted, ([, x]) => x),
      };
    }),
  };
}

export function norm(values: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! * values[i]!;
  return Math.sqrt(sum);
}
