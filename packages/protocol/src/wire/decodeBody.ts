/**
 * @file Body bytes → sparse entries, from bytes nobody vouches for. Limit: nothing is allocated from a number that has
 * not been checked against the layout, the bytes there are, and the entries announced.
 */
import type { TensorLayout, TensorSpec } from '../tensorLayout.js';
import { needBytes, noMoreThan } from './ByteReader.js';
import { empty, indexOrder, indexRange, notFinite, wrongCount } from './bodyErrors.js';
import { isFiniteHalf } from './float16.js';
import {
  type BodyShape,
  type BodyTensor,
  CHUNK_ELEMENTS,
  checkTensor,
  chunkCount,
  VALUE_BYTES,
  type ValuesOf,
  type ValueType,
} from './sparseBody.js';

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
