/**
 * @file Values of a delta as 8, 4 or 2 bits each: a sign and a level between the two magnitudes of its block. A block
 * is a run of whole chunks with at least 64 entries, so that scales stay cheap where entries are rare.
 * Invariant: what was once rounded is never changed by rounding it again, so a sender that keeps back
 * value − rounded value as error feedback keeps back exactly what the receiver does not get. // SPEC WIRE-2
 */
import type { SparseDelta, SparseTensor } from '../sparseDelta.js';
import { notCanonical, notFinite } from './bodyErrors.js';
import { floatOfScale, isFiniteScale, scaleAbove, scaleBelow, scaleNearest } from './scale16.js';
import { CHUNK_ELEMENTS } from './sparseBody.js';

export const VALUE_BITS = [2, 4, 8] as const;
/** Width of one value on the wire. */
export type ValueBits = (typeof VALUE_BITS)[number];

const BLOCK_ENTRIES = 64;
const CHUNK_SHIFT = Math.log2(CHUNK_ELEMENTS);

/** The values of one tensor as they travel. */
export interface QuantizedValues {
  /** Lower and upper magnitude of each block in turn, see `scale16`. */
  readonly scales: Uint16Array;
  /** One per entry: level, and above it the sign. */
  readonly codes: Uint8Array;
}

/** Where each block of a tensor ends, counted in entries. */
export function blockEnds(indices: Uint32Array): Uint32Array {
  const ends: number[] = [];
  let start = 0;
  for (let i = 1; i < indices.length; i++) {
    if (i - start < BLOCK_ENTRIES || indices[i]! >>> CHUNK_SHIFT === indices[i - 1]! >>> CHUNK_SHIFT)
      continue;
    ends.push(i);
    start = i;
  }
  if (indices.length > 0) ends.push(indices.length);
  return Uint32Array.from(ends);
}

/** How many entries each block has, from those of each chunk. */
export function blockSizes(counts: Uint16Array): Uint16Array {
  const sizes: number[] = [];
  let entries = 0;
  for (let chunk = 0; chunk < counts.length; chunk++) {
    if (counts[chunk] === 0) continue;
    if (entries >= BLOCK_ENTRIES) {
      sizes.push(entries);
      entries = 0;
    }
    entries += counts[chunk]!;
  }
  if (entries > 0) sizes.push(entries);
  return Uint16Array.from(sizes);
}

/**
 * Rounds the values of a tensor. 4 and 8 bits: evenly spaced levels from the smallest to the largest magnitude of the
 * block. 2 bits: the mean of the magnitudes up to their mean, and the mean of the larger ones.
 * Throws `WIRE_NOT_FINITE`. Cost: three passes over the values.
 */
export function quantize({ tensor, indices, values }: SparseTensor, bits: ValueBits): QuantizedValues {
  const ends = blockEnds(indices);
  const scales = new Uint16Array(2 * ends.length);
  const codes = new Uint8Array(values.length);
  const signs = new Int32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i]!)) throw notFinite(tensor, indices[i]!);
    codes[i] = signs[i]! < 0 ? 1 << (bits - 1) : 0; // −0 keeps its sign
  }
  let from = 0;
  for (let block = 0; block < ends.length; block++) {
    const to = ends[block]!;
    const magnitudes = values.subarray(from, to);
    const rounded = bits === 2 ? twoMeans(magnitudes) : evenLevels(magnitudes, (1 << (bits - 1)) - 1);
    scales[2 * block] = rounded.low;
    scales[2 * block + 1] = rounded.high;
    if (rounded.low < rounded.high)
      for (let i = from; i < to; i++) codes[i]! |= rounded.levelOf(Math.abs(values[i]!));
    from = to;
  }
  return { scales, codes };
}

/**
 * The values a receiver sees. Formula: ±fround(low + level · ((high − low) / top)) in FP64, top = 2^(bits − 1) − 1.
 * Throws `WIRE_NOT_FINITE`, and `WIRE_NOT_CANONICAL` where `quantize` would have chosen other scales or levels: the
 * lower magnitude above the upper one, or either of them unused.
 */
export function dequantize(
  { scales, codes }: QuantizedValues,
  { tensor, indices }: Pick<SparseTensor, 'tensor' | 'indices'>,
  bits: ValueBits,
): Float32Array {
  const values = new Float32Array(indices.length);
  const top = (1 << (bits - 1)) - 1;
  const ends = blockEnds(indices);
  let from = 0;
  for (let block = 0; block < ends.length; block++) {
    const [low, high] = [scales[2 * block]!, scales[2 * block + 1]!];
    if (!isFiniteScale(low) || !isFiniteScale(high)) throw notFinite(tensor, indices[from]!);
    const base = floatOfScale(low);
    const step = (floatOfScale(high) - base) / top;
    let least = top;
    let most = 0;
    for (; from < ends[block]!; from++) {
      const level = codes[from]! & top;
      if (level < least) least = level;
      if (level > most) most = level;
      const magnitude = base + level * step;
      values[from] = codes[from]! > top ? -magnitude : magnitude;
    }
    if (low > high || least !== 0 || most !== (low < high ? top : 0)) throw notCanonical(4 * block);
  }
  return values;
}

/** The delta as every receiver of it will decode it. Throws `WIRE_NOT_FINITE`. */
export function roundDelta(delta: SparseDelta, bits: ValueBits): SparseDelta {
  const tensors = delta.tensors.map((part) => ({
    tensor: part.tensor,
    indices: part.indices,
    values: dequantize(quantize(part, bits), part, bits),
  }));
  return { tensors };
}

interface Rounding {
  readonly low: number;
  readonly high: number;
  /** Not asked when low = high: then all levels are 0. */
  levelOf(magnitude: number): number;
}

/** Scales lie inside the range of the magnitudes, so that the outermost of these take the outermost levels. */
function evenLevels(values: Float32Array, top: number): Rounding {
  let least = Number.POSITIVE_INFINITY;
  let most = 0;
  for (let i = 0; i < values.length; i++) {
    const magnitude = Math.abs(values[i]!);
    if (magnitude < least) least = magnitude;
    if (magnitude > most) most = magnitude;
  }
  const low = scaleAbove(least);
  const high = scaleBelow(most);
  if (low >= high) return oneLevel((least + most) / 2);
  const base = floatOfScale(low);
  const levels = top / (floatOfScale(high) - base);
  return {
    low,
    high,
    levelOf: (magnitude) => Math.max(0, Math.min(top, Math.round((magnitude - base) * levels))),
  };
}

function twoMeans(values: Float32Array): Rounding {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += Math.abs(values[i]!);
  const mean = sum / values.length;
  let lowSum = 0;
  let lowCount = 0;
  for (let i = 0; i < values.length; i++) {
    const magnitude = Math.abs(values[i]!);
    if (magnitude > mean) continue;
    lowSum += magnitude;
    lowCount++;
  }
  if (lowCount === 0 || lowCount === values.length) return oneLevel(mean);
  const low = scaleNearest(lowSum / lowCount);
  const high = scaleNearest((sum - lowSum) / (values.length - lowCount));
  return { low, high, levelOf: (magnitude) => (magnitude > mean ? 1 : 0) };
}

function oneLevel(magnitude: number): Rounding {
  const scale = scaleNearest(magnitude);
  return { low: scale, high: scale, levelOf: () => 0 };
}
