/**
 * @file The body of `binary_v3` → sparse entries, from bytes nobody vouches for. Memory is taken for counts that the
 * bytes have already paid for: every entry has at least two bits of value code, so 12 bytes of memory an entry are at
 * most 48 times what arrived, besides 2 bytes a chunk of the largest tensor. Only the encoder's own bytes are accepted.
 */
import type { SparseDelta, SparseTensor } from '../sparseDelta.js';
import type { TensorLayout, TensorSpec } from '../tensorLayout.js';
import { needBytes, noMoreThan } from './ByteReader.js';
import { empty, notCanonical, wrongCount } from './bodyErrors.js';
import { CountModel } from './CountModel.js';
import { PositionDecoder } from './PositionDecoder.js';
import { blockEnds, dequantize, type ValueBits } from './quantize.js';
import { BLOCK_SCALE_BYTES, codeBytes, unpackCodes, unusedBits } from './quantizedBody.js';
import { RangeDecoder } from './RangeDecoder.js';
import { type BodyShape, CHUNK_ELEMENTS, chunkCount } from './sparseBody.js';

export interface QuantizedShape extends Pick<BodyShape, 'tensorCount' | 'entryCount'> {
  readonly valueBits: ValueBits;
  readonly indexBytes: number;
}

type Positions = Omit<SparseTensor, 'values'>;

/**
 * Body → delta, checked in full; the counts of `shape` must have been checked against layout and limits.
 * Throws `WIRE_TRUNCATED`, `WIRE_TRAILING_BYTES`, `WIRE_NOT_CANONICAL`, `WIRE_COUNT`, `WIRE_EMPTY`, `WIRE_NOT_FINITE`.
 * Cost: O(body + entries + chunks of the tensors in it).
 */
export function decodeQuantizedBody(
  body: Uint8Array,
  shape: QuantizedShape,
  layout: TensorLayout,
): SparseDelta {
  const { tensorCount, entryCount, indexBytes, valueBits } = shape;
  const leastBytes = indexBytes + BLOCK_SCALE_BYTES * tensorCount + codeBytes(entryCount, valueBits);
  needBytes(leastBytes, body.length);
  const positions = decodeIndices(body.subarray(0, indexBytes), shape, layout);
  return { tensors: decodeValues(body.subarray(indexBytes), positions, shape) };
}

function decodeIndices(
  stream: Uint8Array,
  { tensorCount, entryCount }: QuantizedShape,
  layout: TensorLayout,
): Positions[] {
  const coder = new RangeDecoder(stream);
  const model = new CountModel();
  const found: Positions[] = [];
  let left = entryCount;
  for (let tensor = 0; found.length < tensorCount; tensor++) {
    const spec = layout.tensors[tensor];
    if (!spec) throw wrongCount('tensors', tensorCount, found.length);
    if (model.decodePresence(coder) === 0) continue;
    const indices = decodeTensor(coder, model, { spec, left });
    left -= indices.length;
    found.push({ tensor, indices });
  }
  if (left !== 0) throw wrongCount('entries', entryCount, entryCount - left);
  coder.finish();
  return found;
}

function decodeTensor(
  coder: RangeDecoder,
  model: CountModel,
  { spec, left }: { spec: TensorSpec; left: number },
): Uint32Array {
  const counts = new Uint16Array(chunkCount(spec));
  let total = 0;
  for (let chunk = 0; chunk < counts.length; chunk++) {
    const count = model.decode(coder);
    const room = Math.min(CHUNK_ELEMENTS, spec.size - chunk * CHUNK_ELEMENTS);
    if (count > room) throw wrongCount('chunk', room, count);
    total += count;
    if (total > left) throw wrongCount('entries', left, total);
    counts[chunk] = count;
  }
  if (total === 0) throw empty();
  const indices = new Uint32Array(total);
  const positions = new PositionDecoder(coder, indices);
  for (let chunk = 0; chunk < counts.length; chunk++) {
    const base = chunk * CHUNK_ELEMENTS;
    positions.node(counts[chunk]!, base, Math.min(CHUNK_ELEMENTS, spec.size - base));
  }
  return indices;
}

function decodeValues(
  sections: Uint8Array,
  positions: readonly Positions[],
  { entryCount, valueBits: bits }: QuantizedShape,
): SparseTensor[] {
  const blocks = positions.map(({ indices }) => blockEnds(indices).length);
  const scaleBytes = BLOCK_SCALE_BYTES * blocks.reduce((sum, count) => sum + count, 0);
  const allBytes = scaleBytes + codeBytes(entryCount, bits);
  needBytes(allBytes, sections.length);
  noMoreThan(allBytes, sections.length);
  const packed = sections.subarray(scaleBytes);
  if (unusedBits(packed, entryCount, bits) !== 0) throw notCanonical(sections.length - 1);
  const view = new DataView(sections.buffer, sections.byteOffset, scaleBytes);
  let scaleAt = 0;
  let before = 0;
  return positions.map((part, i) => {
    const scales = new Uint16Array(2 * blocks[i]!);
    for (let scale = 0; scale < scales.length; scale++, scaleAt += 2)
      scales[scale] = view.getUint16(scaleAt, true);
    const codes = new Uint8Array(part.indices.length);
    unpackCodes(codes, { packed, before, bits });
    before += codes.length;
    return { ...part, values: dequantize({ scales, codes }, part, bits) };
  });
}
