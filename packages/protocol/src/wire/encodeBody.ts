/**
 * @file Sparse entries → body bytes. Refuses whatever `decodeBody` would refuse, so nothing undecodable is ever sent.
 */
import type { TensorLayout, TensorSpec } from '../tensorLayout.js';
import { indexOrder, indexRange, notFinite } from './bodyErrors.js';
import { isFiniteHalf } from './float16.js';
import {
  type BodyTensor,
  bodyShape,
  CHUNK_ELEMENTS,
  chunkCount,
  VALUE_BYTES,
  type ValueType,
} from './sparseBody.js';

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
