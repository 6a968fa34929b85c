/**
 * @file A delta addressed by position in the flat parameter vector, checked once, so that everything after it can
 * be a plain loop. Only this form is ever added to weights (see `applyDelta`).
 */
import { entryCount, type SparseDelta, type TensorLayout } from '@alice/protocol';
import { TrainingError } from './errors.js';
import { lowerBound } from './lowerBound.js';

export interface FlatDelta {
  /** Strictly ascending positions; `null` means every position in order. FP64 where 32 bits do not reach. */
  readonly indices: Uint32Array | Float64Array | null;
  readonly values: Float32Array;
}

/** Wraps a dense vector (an aggregate) without copying. */
export function denseDelta(values: Float32Array): FlatDelta {
  return { indices: null, values };
}

/**
 * Turns per-tensor indices into flat ones.
 * Throws `DELTA_INVALID` on an unknown tensor, wrong order, an index outside its tensor or a non-finite value, so a
 * delta that did not come through the wire decoder is refused as well.
 */
export function flattenDelta(delta: SparseDelta, layout: TensorLayout): FlatDelta {
  checkDelta(delta, layout);
  const size = entryCount(delta);
  const indices = layout.size > 2 ** 32 ? new Float64Array(size) : new Uint32Array(size);
  const values = new Float32Array(size);
  let at = 0;
  for (const { tensor, indices: local, values: amounts } of delta.tensors) {
    const { offset } = layout.tensors[tensor]!;
    values.set(amounts, at);
    for (let i = 0; i < local.length; i++) indices[at++] = offset + local[i]!;
  }
  return { indices, values };
}

/**
 * The entries of a checked delta within elements `offset`…`offset + size` of the flat vector, tensor by tensor, their positions
 * counted from `offset`: for a vector that passes a part at a time.
 */
export function* flatEntriesIn(
  delta: SparseDelta,
  layout: TensorLayout,
  { offset, size }: { readonly offset: number; readonly size: number },
): Generator<FlatDelta> {
  for (const { tensor, indices, values } of delta.tensors) {
    const shift = layout.tensors[tensor]!.offset - offset;
    const [from, to] = [lowerBound(indices, -shift), lowerBound(indices, size - shift)];
    if (from === to) continue;
    const positions = indices.slice(from, to);
    for (let i = 0; i < positions.length; i++) positions[i]! += shift;
    yield { indices: positions, values: values.subarray(from, to) };
  }
}

/** Throws `DELTA_INVALID` as `flattenDelta` does, and makes nothing. */
export function checkDelta(delta: SparseDelta, layout: TensorLayout): void {
  let lastTensor = -1;
  for (const { tensor, indices, values } of delta.tensors) {
    const spec = layout.tensors[tensor];
    if (!spec || tensor <= lastTensor) throw invalid('tensors must exist and ascend', tensor, 0);
    if (indices.length !== values.length) throw invalid('as many values as indices', tensor, indices.length);
    lastTensor = tensor;
    let last = -1;
    for (let i = 0; i < indices.length; i++) {
      const index = indices[i]!;
      if (index <= last || index >= spec.size)
        throw invalid('indices must ascend within the tensor', tensor, i);
      if (!Number.isFinite(values[i])) throw invalid('values must be finite', tensor, i);
      last = index;
    }
  }
}

function invalid(reason: string, tensor: number, entry: number): TrainingError {
  return new TrainingError(
    { code: 'DELTA_INVALID', reason, tensor, entry },
    `delta refused: ${reason} (tensor ${tensor}, entry ${entry}); encode it again from the same model version`,
  );
}
