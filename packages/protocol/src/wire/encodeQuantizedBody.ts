/**
 * @file Sparse entries → the body of `binary_v3`: index stream, scales, value codes. Refuses whatever the decoder would
 * refuse. Its bytes are a function of the decoded content alone: decoding and encoding again gives them back.
 */
import type { SparseTensor } from '../sparseDelta.js';
import type { TensorLayout, TensorSpec } from '../tensorLayout.js';
import { indexOrder, indexRange } from './bodyErrors.js';
import { CountModel } from './CountModel.js';
import { PositionEncoder } from './PositionEncoder.js';
import { quantize, type ValueBits } from './quantize.js';
import { codeBytes, packCodes } from './quantizedBody.js';
import { RangeEncoder } from './RangeEncoder.js';
import { type BodyShape, bodyShape, CHUNK_ELEMENTS, chunkCount } from './sparseBody.js';

export interface QuantizedSections extends Pick<BodyShape, 'tensorCount' | 'entryCount'> {
  readonly indexStream: Uint8Array;
  /** Two of each block, in the order of the entries. */
  readonly scales: readonly Uint16Array[];
  readonly packedCodes: Uint8Array;
}

/** The sections of the body. Throws the same codes as `encodeBody`. Cost: about 0.1 µs an entry. */
export function encodeQuantizedBody(
  tensors: readonly SparseTensor[],
  layout: TensorLayout,
  bits: ValueBits,
): QuantizedSections {
  const { tensorCount, entryCount } = bodyShape('float32', tensors, layout);
  const packed = new Uint8Array(codeBytes(entryCount, bits));
  const scales: Uint16Array[] = [];
  let before = 0;
  for (const part of tensors) {
    const quantized = quantize(part, bits);
    scales.push(quantized.scales);
    packCodes(quantized.codes, { packed, before, bits });
    before += part.indices.length;
  }
  return {
    tensorCount,
    entryCount,
    indexStream: encodeIndices(tensors, layout),
    scales,
    packedCodes: packed,
  };
}

/** For each tensor up to the last with entries: whether it has any; if so all its counts, then all positions. */
export function encodeIndices(tensors: readonly SparseTensor[], layout: TensorLayout): Uint8Array {
  const coder = new RangeEncoder();
  const model = new CountModel();
  let next = 0;
  for (let tensor = 0; next < tensors.length; tensor++) {
    const part = tensors[next]!;
    const isPresent = part.tensor === tensor;
    model.encodePresence(coder, isPresent ? 1 : 0);
    if (!isPresent) continue;
    encodeTensor(coder, model, part, layout.tensors[tensor]!);
    next++;
  }
  return coder.finish();
}

function encodeTensor(coder: RangeEncoder, model: CountModel, part: SparseTensor, spec: TensorSpec): void {
  const counts = countsOf(part, spec);
  for (const count of counts) model.encode(coder, count);
  const positions = new PositionEncoder(coder, part.indices);
  let from = 0;
  for (let chunk = 0; chunk < counts.length; chunk++) {
    const base = chunk * CHUNK_ELEMENTS;
    const to = from + counts[chunk]!;
    positions.node(from, to, base, Math.min(CHUNK_ELEMENTS, spec.size - base));
    from = to;
  }
}

function countsOf({ tensor, indices }: SparseTensor, spec: TensorSpec): Uint16Array {
  const counts = new Uint16Array(chunkCount(spec));
  let previous = -1;
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i]!;
    if (index <= previous) throw indexOrder(tensor, index, previous);
    if (index >= spec.size) throw indexRange(tensor, index, spec.size);
    previous = index;
    counts[Math.floor(index / CHUNK_ELEMENTS)]!++;
  }
  return counts;
}
