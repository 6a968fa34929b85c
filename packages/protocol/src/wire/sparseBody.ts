/**
 * @file The body shared by submissions and set-deltas, as numbers: for each changed tensor its number, how many entries
 * each chunk of 4,096 elements has, the positions within their chunks, then the values. What a header announces of it,
 * and whether that can be true for a layout. Bytes: `encodeBody`, `decodeBody`; table: docs/spec/wire.md.
 */
import type { TensorLayout, TensorSpec } from '../tensorLayout.js';
import { empty, wrongCount } from './bodyErrors.js';
import { WireError } from './errors.js';

/** Elements per chunk; positions within one fit 12 bits and are sent as 16. */
export const CHUNK_ELEMENTS = 4096;

export type ValueType = 'float32' | 'float16';
export interface ValuesOf {
  float32: Float32Array;
  float16: Uint16Array;
}
export const VALUE_BYTES: Record<ValueType, number> = { float32: 4, float16: 2 };

export interface BodyTensor<V extends ValueType> {
  readonly tensor: number;
  /** Within the tensor, strictly ascending. */
  readonly indices: Uint32Array;
  readonly values: ValuesOf[V];
}

export interface BodyShape {
  readonly tensorCount: number;
  readonly entryCount: number;
  readonly inflatedBytes: number;
}

/** What a header announces for these tensors. Throws as `encodeBody` does about tensors and counts. */
export function bodyShape<V extends ValueType>(
  type: V,
  tensors: readonly BodyTensor<V>[],
  layout: TensorLayout,
): BodyShape {
  let entryCount = 0;
  let inflatedBytes = 0;
  let previous = -1;
  for (const { tensor, indices, values } of tensors) {
    const spec = checkTensor(tensor, previous, layout);
    previous = tensor;
    if (indices.length === 0) throw empty();
    if (indices.length !== values.length) throw wrongCount('values', indices.length, values.length);
    entryCount += indices.length;
    inflatedBytes += 2 + 2 * chunkCount(spec) + (2 + VALUE_BYTES[type]) * indices.length;
  }
  return { tensorCount: tensors.length, entryCount, inflatedBytes };
}

/**
 * Refuses a header whose counts cannot belong to this layout, before anything is allocated from them.
 * Throws `WIRE_COUNT`, `WIRE_ENTRY_LIMIT`, `WIRE_INFLATE_LIMIT`.
 */
export function checkBodyShape(
  type: ValueType,
  shape: BodyShape,
  layout: TensorLayout,
  limits: BodyLimits,
): void {
  const { tensorCount, entryCount, inflatedBytes } = shape;
  const maxEntries = Math.min(limits.maxEntries, layout.size);
  if (entryCount > maxEntries)
    throw new WireError(
      { code: 'WIRE_ENTRY_LIMIT', entries: entryCount, maxEntries },
      `${entryCount} entries announced, at most ${maxEntries} are accepted`,
    );
  if (tensorCount > Math.min(layout.tensors.length, entryCount))
    throw wrongCount('tensors', Math.min(layout.tensors.length, entryCount), tensorCount);
  const chunks = layout.tensors.reduce((sum, spec) => sum + chunkCount(spec), 0);
  const largest = 2 * tensorCount + 2 * chunks + (2 + VALUE_BYTES[type]) * entryCount;
  const allowedBytes = Math.min(limits.maxInflatedBytes, largest);
  if (inflatedBytes > allowedBytes)
    throw new WireError(
      { code: 'WIRE_INFLATE_LIMIT', declaredBytes: inflatedBytes, allowedBytes },
      `the body announces ${inflatedBytes} bytes; ${allowedBytes} is the most this layout and its limits allow`,
    );
}

export interface BodyLimits {
  readonly maxEntries: number;
  readonly maxInflatedBytes: number;
}

export function chunkCount(spec: TensorSpec): number {
  return Math.ceil(spec.size / CHUNK_ELEMENTS);
}

export function checkTensor(tensor: number, previous: number, layout: TensorLayout): TensorSpec {
  const spec = layout.tensors[tensor];
  if (!spec)
    throw new WireError(
      { code: 'WIRE_TENSOR_RANGE', tensor, tensors: layout.tensors.length },
      `tensor ${tensor} does not exist: the layout has ${layout.tensors.length}`,
    );
  if (tensor <= previous)
    throw new WireError(
      { code: 'WIRE_TENSOR_ORDER', tensor, previous },
      `tensor ${tensor} follows ${previous}: tensors must ascend, each at most once`,
    );
  return spec;
}
