/**
 * @file How the positions of a chunk's entries are written: the gaps between them, each as a Golomb code. For entries that
 * lie anywhere with equal chance, gaps follow the geometric distribution, for which this code is the best there is that
 * gives each gap its own bits. Source: Golomb 1966, "Run-length encodings". The last entry lies anywhere in what is left. A chunk
 * more than half full has the gaps between its free positions written instead. Table: docs/spec/wire.md.
 */

/** ln 2 · 2¹⁶, rounded. */
const LN2 = 45_426;

/** The most bytes that the positions of one chunk take: 2,048 gaps of one bit each and what they skip, 768. */
export const MOST_CHUNK_BYTES = 1024;

/** Whether its free positions are written, being fewer than its entries. */
export function isMostlyFull(entries: number, size: number): boolean {
  return 2 * entries > size;
}

/**
 * m: a gap g is ⌊g / m⌋ zeros and a one, then g mod m in ⌊log2 m⌋ or one more bits. The integer nearest to ln 2 · (mean
 * gap + 1/2), at least 1; k among n positions leave gaps of (n − k) / (k + 1) in the mean, the one behind the last
 * included. 1 ≤ k ≤ n / 2, n ≤ 4,096, so all is below 2³¹.
 */
export function gapDivisor(k: number, n: number): number {
  return Math.max(1, Math.floor((LN2 * (2 * n - k + 1) + 65_536 * (k + 1)) / (131_072 * (k + 1))));
}

/** Bits of the longer remainders of `divisor`; the first 2^bits − divisor of them take one less. */
export function remainderBits(divisor: number): number {
  return 32 - Math.clz32(divisor);
}
