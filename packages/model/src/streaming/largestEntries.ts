/**
 * @file The elements of largest magnitude of each chunk of 4,096, found where the gradient is computed: only they leave
 * the session. The rule is that of top-k compression (SPEC WIRE-1): a chunk of n elements gives ⌈density·n⌉, of equal
 * magnitudes the first, zeros never. There is no residual: what is not taken is lost, as in the whitepaper's preset.
 */
import { largestAt, type NamedTensors, pad, pickAlong, reshape, slice, type Value } from '@alice/engine';
import { CHUNK_ELEMENTS, type SparseTensor, type TensorSpec } from '@alice/protocol';

/** A tensor within a part: where it starts among the elements of the weight that holds it. */
export interface TensorPlace {
  readonly tensor: number;
  readonly spec: TensorSpec;
  readonly from: number;
}

/** The outputs that carry the largest entries of a tensor whose gradient is part of `gradient`. */
export function largestOutputs(
  gradient: Value,
  { tensor, spec, from }: TensorPlace,
  density: number,
): Record<string, Value> {
  const flat = slice(reshape(gradient, [-1]), { axis: 0, start: from, end: from + spec.size });
  const missing = (CHUNK_ELEMENTS - (spec.size % CHUNK_ELEMENTS)) % CHUNK_ELEMENTS;
  const chunks = reshape(pad(flat, { axis: 0, before: 0, after: missing }), [-1, CHUNK_ELEMENTS]);
  const at = largestAt(chunks, Math.ceil(density * CHUNK_ELEMENTS));
  return { [`positions of ${tensor}`]: at, [`largest of ${tensor}`]: pickAlong(chunks, at) };
}

/** The entries those outputs stand for, positions ascending. */
export function entriesOf(
  results: NamedTensors,
  { tensor, spec }: TensorPlace,
  density: number,
): SparseTensor {
  const positions = results[`positions of ${tensor}`]!;
  const picked = results[`largest of ${tensor}`]!.data;
  const [chunks, perChunk] = positions.shape as [number, number];
  const indices = new Uint32Array(chunks * perChunk);
  const values = new Float32Array(chunks * perChunk);
  let count = 0;
  for (let chunk = 0; chunk < chunks; chunk++) {
    const base = chunk * CHUNK_ELEMENTS;
    const wanted = Math.ceil(density * Math.min(CHUNK_ELEMENTS, spec.size - base));
    const first = count;
    for (let i = chunk * perChunk; i < chunk * perChunk + wanted; i++) {
      if (picked[i] === 0) continue; // also the padding of the last chunk
      const index = base + positions.data[i]!;
      let to = count++;
      // Few and nearly random: insertion keeps a chunk's positions ascending.
      for (; to > first && indices[to - 1]! > index; to--) {
        indices[to] = indices[to - 1]!;
        values[to] = values[to - 1]!;
      }
      indices[to] = index;
      values[to] = picked[i]!;
    }
  }
  return { tensor, indices: indices.slice(0, count), values: values.slice(0, count) };
}
