/**
 * @file A small sample of a delta's indices, the same ones for every delta of a model (those whose keyed hash is low), so
 * that two samples share what two deltas share. Tells in microseconds that two deltas are no copies of each other; only
 * what it cannot rule out is compared in full. After Broder's resemblance sketches (1997), with a threshold instead of
 * ranks. The key is secret: who knew which indices are looked at could move just those, one in sixty.
 */
import { seededRandom } from '@alice/protocol';
import type { FlatDelta } from '../flatDelta.js';

/** Samples of a delta as large as the bounds allow. */
const SAMPLES = 1_024;
/** Fewer samples than this say nothing. */
export const MIN_SAMPLES = 16;
/** Far below the share that counts as a copy: with sixteen samples, four standard errors. */
const RULED_OUT_BELOW = 0.5;
const GOLDEN = 0x9e3779b1;

export interface IndexSketch {
  /** Entries of the whole delta. */
  readonly entries: number;
  /** Ascending, as the indices are. */
  readonly samples: Uint32Array;
}

export interface SketchSettings {
  /** Whoever makes the sketches that are compared uses the same. */
  readonly secret: string;
  /** Of any delta of this model. */
  readonly maxEntries: number;
}

/** Without indices every element has a value, and there is nothing to tell apart by. */
export function sketchIndices(
  { indices, values }: FlatDelta,
  { secret, maxEntries }: SketchSettings,
): IndexSketch {
  const limit = Math.min(2 ** 32, (2 ** 32 * SAMPLES) / Math.max(1, maxEntries));
  const key = seededRandom(JSON.stringify(['index sketch', secret])).u32();
  const samples = indices ? indices.filter((index) => mixBits(index ^ key) < limit) : new Uint32Array();
  return { entries: values.length, samples };
}

/** False when the two deltas certainly do not share nine tenths of the smaller one's indices. */
export function mayBeCopies({ samples: a }: IndexSketch, { samples: b }: IndexSketch): boolean {
  const smaller = Math.min(a.length, b.length);
  if (smaller < MIN_SAMPLES) return true;
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
