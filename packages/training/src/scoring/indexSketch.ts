/**
 * @file A small sample of a delta's indices, the same ones for every delta of a model (those whose keyed hash is low), so
 * that two samples share what two deltas share. Tells in microseconds that two deltas are no copies of each other; only
 * what it cannot rule out is compared in full. After Broder's resemblance sketches (1997), with a threshold instead of
 * ranks: it halves from level to level, so that small deltas have as many samples as large ones, and two of different
 * levels are compared at the coarser one. The key is secret: who knew which indices are looked at could move just those.
 */
import { seededRandom } from '@alice/protocol';
import type { FlatDelta } from '../flatDelta.js';

/** At least so many samples, and fewer than twice as many; of a smaller delta all of its indices. */
const SAMPLES = 1_024;
/** Fewer samples than this say nothing, unless they are all there is. */
export const MIN_SAMPLES = 16;
/** Far below the share that counts as a copy: with sixteen samples, four standard errors. */
const RULED_OUT_BELOW = 0.5;
const GOLDEN = 0x9e3779b1;

export interface IndexSketch {
  /** Entries of the whole delta. */
  readonly entries: number;
  /** One in 2^level hashes is a sample. */
  readonly level: number;
  /** Keyed hashes of indices, ascending, so that those of a coarser level come first. */
  readonly samples: Uint32Array;
}

/**
 * Without indices every element has a value, and there is nothing to tell apart by. Whoever makes the sketches that are
 * compared uses the same `secret`.
 */
export function sketchIndices({ indices, values }: FlatDelta, secret: string): IndexSketch {
  const entries = values.length;
  const level = Math.max(0, Math.floor(Math.log2(entries / SAMPLES)));
  if (!indices) return { entries, level, samples: new Uint32Array() };
  const limit = limitOf(level);
  const key = seededRandom(JSON.stringify(['index sketch', secret])).u32();
  const samples: number[] = [];
  for (let i = 0; i < indices.length; i++) {
    const hash = mixBits(indices[i]! ^ key);
    if (hash < limit) samples.push(hash);
  }
  return { entries, level, samples: Uint32Array.from(samples).sort() };
}

const limitOf = (level: number): number => 2 ** (32 - level);

/** Samples of a coarser level. */
function samplesAt({ samples }: IndexSketch, level: number): Uint32Array {
  const limit = limitOf(level);
  let end = samples.length;
  while (end > 0 && samples[end - 1]! >= limit) end--;
  return samples.subarray(0, end);
}

/** False when the two deltas certainly do not share nine tenths of the smaller one's indices. */
export function mayBeCopies(one: IndexSketch, other: IndexSketch): boolean {
  const level = Math.max(one.level, other.level);
  const [a, b] = [samplesAt(one, level), samplesAt(other, level)];
  const smaller = Math.min(a.length, b.length);
  if (smaller === 0 || (smaller < MIN_SAMPLES && level > 0)) return true;
  let shared = 0;
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const [x, y] = [a[i]!, b[j]!];
    if (x === y) shared++;
    if (x <= y) i++;
    if (y <= x) j++;
  }
  return shared >= RULED_OUT_BELOW * smaller;
}

/** A permutation of 32-bit numbers: neighbours do not go together. */
export function mixBits(number: number): number {
  let hash = Math.imul(number ^ (number >>> 16), GOLDEN);
  hash = Math.imul(hash ^ (hash >>> 13), 0x85ebca6b);
  return (hash ^ (hash >>> 16)) >>> 0;
}
