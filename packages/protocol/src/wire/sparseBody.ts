/**
 * @file The body shared by submissions and set-deltas: for each changed tensor its number, how many entries each chunk
 * of 4,096 elements has, the positions within their chunks, then the values. One layout for both value types.
 * Limit: nothing is allocated from a number that has not been checked against the layout and the entries announced.
 */
import type { TensorLayout, TensorSpec } from '../tensorLayout.js';
import { needBytes, noMoreThan } from './ByteReader.js';
import { WireError } from './errors.js';
import { isFiniteHalf } from './float16.js';

/** Elements per chunk; positions within one fit 12 bits and are sent as 16. */
export const CHUNK_ELEMENTS = 4096;

export type ValueType = 'float32' | 'float16';
interface ValuesOf {
  float32: Float32Array;
  float16: Uint16Array;
}
const VALUE_BYTES: Record<ValueType, number> = { float32: 4, float16: 2 };

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

/** What a header announces for these tensors. Throws what `encodeBody` throws about tensor order and counts. */
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

/** Entries → body bytes. Throws the same codes as `decodeBody`, so nothing undecodable is ever sent. */
export function encodeBody<V extends ValueType>(
  type: V,
  tensors: readonly BodyTensor<V>[],
  layout: TensorLayout,
): Uint8Array {
  const { inflatedBytes } = bodyShape(type, tensors, layout);
  const body = new Uint8Array(inflatedBytes);
  const view = new DataView(body.buffer);
  let at = 0;
  for (const part of tensors) {
    view.setUint16(at, part.tensor, true);
    at = writeIndices(view, at + 2, part, layout.tensors[part.tensor]!);
    at = writeValues(view, at, type, part);
  }
  return body;
}

/**
 * Body bytes → entries, checked in full.
 * Throws `WIRE_TRUNCATED`, `WIRE_TRAILING_BYTES`, `WIRE_TENSOR_ORDER`, `WIRE_TENSOR_RANGE`, `WIRE_INDEX_ORDER`,
 * `WIRE_INDEX_RANGE`, `WIRE_NOT_FINITE`, `WIRE_COUNT`, `WIRE_EMPTY`. Cost: O(body + chunks of the tensors in it).
 */
export function decodeBody<V extends ValueType>(
  type: V,
  body: Uint8Array,
  { tensorCount, entryCount }: BodyShape,
  layout: TensorLayout,
): BodyTensor<V>[] {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const tensors: BodyTensor<V>[] = [];
  let at = 0;
  let left = entryCount;
  let previous = -1;
  while (tensors.length < tensorCount) {
    needBytes(at + 2, view.byteLength);
    const tensor = view.getUint16(at, true);
    const spec = checkTensor(tensor, previous, layout);
    previous = tensor;
    at += 2;
    const count = readCounts(view, at, spec, left);
    left -= count;
    const indicesAt = at + 2 * chunkCount(spec);
    const valuesAt = indicesAt + 2 * count;
    const end = valuesAt + VALUE_BYTES[type] * count;
    needBytes(end, view.byteLength);
    const indices = readIndices(view, { countsAt: at, indicesAt, count, tensor, spec });
    tensors.push({ tensor, indices, values: readValues(type, view, { at: valuesAt, tensor, indices }) });
    at = end;
  }
  if (left !== 0) throw wrongCount('entries', entryCount, entryCount - left);
  noMoreThan(at, view.byteLength);
  return tensors;
}

function chunkCount(spec: TensorSpec): number {
  return Math.ceil(spec.size / CHUNK_ELEMENTS);
}

function checkTensor(tensor: number, previous: number, layout: TensorLayout): TensorSpec {
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

/** Sum of the chunk counts; no chunk may hold more entries than elements, all together no more than `left`. */
function readCounts(view: DataView, countsAt: number, spec: TensorSpec, left: number): number {
  const chunks = chunkCount(spec);
  needBytes(countsAt + 2 * chunks, view.byteLength);
  let total = 0;
  for (let chunk = 0; chunk < chunks; chunk++) {
    const count = view.getUint16(countsAt + 2 * chunk, true);
    const room = Math.min(CHUNK_ELEMENTS, spec.size - chunk * CHUNK_ELEMENTS);
    if (count > room) throw wrongCount('chunk', room, count);
    total += count;
  }
  if (total > left) throw wrongCount('entries', left, total);
  if (total === 0) throw empty();
  return total;
}

interface IndexSection {
  readonly countsAt: number;
  readonly indicesAt: number;
  readonly count: number;
  readonly tensor: number;
  readonly spec: TensorSpec;
}

function readIndices(
  view: DataView,
  { countsAt, indicesAt, count, tensor, spec }: IndexSection,
): Uint32Array {
  const indices = new Uint32Array(count);
  let entry = 0;
  for (let chunk = 0; entry < count; chunk++) {
    const base = chunk * CHUNK_ELEMENTS;
    const room = Math.min(CHUNK_ELEMENTS, spec.size - base);
    const end = entry + view.getUint16(countsAt + 2 * chunk, true);
    for (let previous = -1; entry < end; entry++) {
      const local = view.getUint16(indicesAt + 2 * entry, true);
      if (local <= previous) throw indexOrder(tensor, base + local, base + previous);
      if (local >= room) throw indexRange(tensor, base + local, spec.size);
      indices[entry] = base + local;
      previous = local;
    }
  }
  return indices;
}

function readValues<V extends ValueType>(
  type: V,
  view: DataView,
  { at, tensor, indices }: { at: number; tensor: number; indices: Uint32Array },
): ValuesOf[V] {
  const read: { [T in ValueType]: () => ValuesOf[T] } = {
    float32: () => {
      const values = new Float32Array(indices.length);
      for (let i = 0; i < values.length; i++) {
        const value = view.getFloat32(at + 4 * i, true);
        if (!Number.isFinite(value)) throw notFinite(tensor, indices[i]!);
        values[i] = value;
      }
      return values;
    },
    float16: () => {
      const values = new Uint16Array(indices.length);
      for (let i = 0; i < values.length; i++) {
        const half = view.getUint16(at + 2 * i, true);
        if (!isFiniteHalf(half)) throw notFinite(tensor, indices[i]!);
        values[i] = half;
      }
      return values;
    },
  };
  return read[type]();
}

function writeIndices(
  view: DataView,
  at: number,
  { tensor, indices }: BodyTensor<ValueType>,
  spec: TensorSpec,
): number {
  const indicesAt = at + 2 * chunkCount(spec);
  let previous = -1;
  for (let entry = 0; entry < indices.length; entry++) {
    const index = indices[entry]!;
    if (index <= previous) throw indexOrder(tensor, index, previous);
    if (index >= spec.size) throw indexRange(tensor, index, spec.size);
    previous = index;
    const countAt = at + 2 * Math.floor(index / CHUNK_ELEMENTS);
    view.setUint16(countAt, view.getUint16(countAt, true) + 1, true);
    view.setUint16(indicesAt + 2 * entry, index % CHUNK_ELEMENTS, true);
  }
  return indicesAt + 2 * indices.length;
}

function writeValues(
  view: DataView,
  at: number,
  type: ValueType,
  { tensor, indices, values }: BodyTensor<ValueType>,
): number {
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (type === 'float32') {
      if (!Number.isFinite(value)) throw notFinite(tensor, indices[i]!);
      view.setFloat32(at + 4 * i, value, true);
    } else {
      if (!isFiniteHalf(value)) throw notFinite(tensor, indices[i]!);
      view.setUint16(at + 2 * i, value, true);
    }
  }
  return at + VALUE_BYTES[type] * values.length;
}

function empty(): WireError {
  return new WireError(
    { code: 'WIRE_EMPTY' },
    'a tensor without entries must be left out, and a delta must have one',
  );
}

function wrongCount(
  what: 'entries' | 'chunk' | 'tensors' | 'values',
  expected: number,
  got: number,
): WireError {
  return new WireError(
    { code: 'WIRE_COUNT', what, expected, got },
    `number of ${what}: ${got} where ${expected} is expected or the limit`,
  );
}

function indexOrder(tensor: number, index: number, previous: number): WireError {
  return new WireError(
    { code: 'WIRE_INDEX_ORDER', tensor, index, previous },
    `tensor ${tensor}: index ${index} follows ${previous}; indices must strictly ascend`,
  );
}

function indexRange(tensor: number, index: number, size: number): WireError {
  return new WireError(
    { code: 'WIRE_INDEX_RANGE', tensor, index, size },
    `tensor ${tensor}: index ${index} in a tensor of ${size} elements`,
  );
}

function notFinite(tensor: number, index: number): WireError {
  return new WireError(
    { code: 'WIRE_NOT_FINITE', tensor, index },
    `tensor ${tensor}, index ${index}: the value is infinite or not a number`,
  );
}
