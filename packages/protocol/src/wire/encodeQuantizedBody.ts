/**
 * @file Sparse entries → the body of `binary_v3`: counts, positions, scales, value codes. Refuses whatever the decoder would
 * refuse. Its bytes are a function of the decoded content alone: decoding and encoding again gives them back.
 */
import type { SparseTensor } from '../sparseDelta.js';
import type { TensorLayout, TensorSpec } from '../tensorLayout.js';
import { BitWriter } from './BitWriter.js';
import { indexOrder, indexRange } from './bodyErrors.js';
import { CountModel } from './CountModel.js';
import { PositionEncoder } from './PositionEncoder.js';
import { quantize, type ValueBits } from './quantize.js';
import { codeBytes, packCodes } from './quantizedBody.js';
import { RangeEncoder } from './RangeEncoder.js';
import { type BodyShape, bodyShape, CHUNK_ELEMENTS, chunkCount } from './sparseBody.js';

/** All that says where entries are. */
export interface IndexSections {
  readonly counts: Uint8Array;
  readonly positions: Uint8Array;
}

export interface QuantizedSections extends IndexSections, Pick<BodyShape, 'tensorCount' | 'entryCount'> {
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
    ...encodeIndices(tensors, layout),
    scales,
    packedCodes: packed,
  };
}

/** For each tensor up to the last with entries whether it has any and all its counts; and the positions of all. */
export function encodeIndices(tensors: readonly SparseTensor[], layout: TensorLayout): IndexSections {
  const coder = new RangeEncoder();
  const model = new CountModel();
  const writer = new BitWriter();
  let next = 0;
  for (let tensor = 0; next < tensors.length; tensor++) {
    const part = tensors[next]!;
    const isPresent = part.tensor === tensor;
    model.encodePresence(coder, isPresent ? 1 : 0);
    if (!isPresent) continue;
    const spec = layout.tensors[tensor]!;
    const counts = countsOf(part, spec);
    for (const count of counts) model.encode(coder, count);
    encodePositions(writer, part, { spec, counts });
    next++;
  }
  return { counts: coder.finish(), positions: writer.finish() };
}

function encodePositions(
  writer: BitWriter,
  part: SparseTensor,
  { spec, counts }: { spec: TensorSpec; counts: Uint16Array },
): void {
  const positions = new PositionEncoder(writer, part.indices);
  let from = 0;
  counts.forEach((count, chunk) => {
    const base = chunk * CHUNK_ELEMENTS;
    positions.chunk(from, from + count, { base, size: Math.min(CHUNK_ELEMENTS, spec.size - base) });
    from += count;
  });
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
