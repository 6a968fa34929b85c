/**
 * @file Sets within at most 16 positions as 16-bit masks, numbered: the rank of a mask among those with as many bits,
 * ascending by value. Masks within n < 16 positions are the first C(n, k) of them, so one table serves every n.
 * Source: Knuth, The Art of Computer Programming 4A, §7.2.1.3 (combinatorial number system).
 */

/** Positions that one mask covers at most. */
export const PATTERN_POSITIONS = 16;

export interface BitPatterns {
  /** Rank of each mask among those with as many bits. */
  readonly rankOf: Uint16Array;
  /** All masks by number of bits, then by value. */
  readonly masks: Uint16Array;
  /** Where the masks with k bits begin in `masks`. */
  readonly from: Uint32Array;
  /** C(n, k) at 17 · n + k. */
  readonly choose: Uint16Array;
}

let patterns: BitPatterns | undefined;

/** The tables (256 KiB), made on first use. */
export function bitPatterns(): BitPatterns {
  patterns ??= makePatterns();
  return patterns;
}

function makePatterns(): BitPatterns {
  const width = PATTERN_POSITIONS + 1;
  const choose = new Uint16Array(width * width);
  for (let n = 0; n < width; n++) {
    choose[width * n] = 1;
    for (let k = 1; k <= n; k++)
      choose[width * n + k] = choose[width * (n - 1) + k - 1]! + choose[width * (n - 1) + k]!;
  }
  const from = new Uint32Array(width + 1);
  for (let k = 0; k < width; k++) from[k + 1] = from[k]! + choose[width * PATTERN_POSITIONS + k]!;
  const next = from.slice();
  const masks = new Uint16Array(1 << PATTERN_POSITIONS);
  const rankOf = new Uint16Array(1 << PATTERN_POSITIONS);
  for (let mask = 0; mask < masks.length; mask++) {
    const bits = bitCount(mask);
    rankOf[mask] = next[bits]! - from[bits]!;
    masks[next[bits]!++] = mask;
  }
  return { rankOf, masks, from, choose };
}

function bitCount(mask: number): number {
  let count = 0;
  for (let left = mask; left !== 0; left &= left - 1) count++;
  return count;
}
