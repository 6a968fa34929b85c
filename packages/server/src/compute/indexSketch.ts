/**
 * @file A small sample of a delta's indices, the same ones for every delta of a model (those whose hash is low), so that
 * two samples share what two deltas share. Tells in microseconds that two deltas are no copies of each other; only what
 * it cannot rule out is compared in full. After Broder's resemblance sketches (1997), with a threshold instead of ranks.
 */

/** Samples of a delta as large as the bounds allow. */
const SAMPLES = 1_024;
/** Fewer samples than this say nothing. */
const MIN_SAMPLES = 16;
/** Far below the share that counts as a copy: with sixteen samples, four standard errors. */
const RULED_OUT_BELOW = 0.5;
const GOLDEN = 0x9e3779b1;

/** Ascending, as the indices are. `maxEntries`: of any delta of this model. */
export function indexSketch(indices: Uint32Array, maxEntries: number): Uint32Array {
  const limit = Math.min(2 ** 32, (2 ** 32 * SAMPLES) / Math.max(1, maxEntries));
  return indices.filter((index) => mixed(index) < limit);
}

/** False when the two deltas certainly do not share nine tenths of the smaller one's indices. */
export function mayBeCopies(a: Uint32Array, b: Uint32Array): boolean {
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

/** A permutation of 32-bit numbers: neighbouring indices do not go together. */
function mixed(index: number): number {
  let hash = Math.imul(index ^ (index >>> 16), GOLDEN);
  hash = Math.imul(hash ^ (hash >>> 13), 0x85ebca6b);
  return (hash ^ (hash >>> 16)) >>> 0;
}
