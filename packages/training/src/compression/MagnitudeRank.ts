/**
 * @file The k-th largest magnitude of a vector that is too long to be copied and reordered, exactly: elements are counted by the
 * upper half of their bits in a first pass, and those that share the half found by the lower one in a second. Memory does
 * not depend on the vector.
 * Method: radix selection, most significant digit first; for non-negative floats the order of the bits is that of the values.
 */
import type { MagnitudeThreshold } from './magnitudeThreshold.js';

const LOW_BITS = 15;
const HIGH_DIGITS = 2 ** 16;
const MAGNITUDE_MASK = 0x7fff_ffff;
const LOW_MASK = 2 ** LOW_BITS - 1;

export class MagnitudeRank {
  /** FP64, since a vector may have more elements than 32 bits count. */
  readonly #high = new Float64Array(HIGH_DIGITS);
  readonly #low = new Float64Array(2 ** LOW_BITS);

  /** First pass: the next elements, as the bits of floats. */
  countHigh(signed: Int32Array): void {
    for (let i = 0; i < signed.length; i++) this.#high[(signed[i]! & MAGNITUDE_MASK) >>> LOW_BITS]!++;
  }

  /** After it: the upper half of the bits of the `count`-th largest, of no more elements than were counted. */
  highOf(count: number): RankedDigit {
    return rankedDigit(this.#high, count);
  }

  /** Second pass: the same elements again, in any order. */
  countLow(signed: Int32Array, { digit }: RankedDigit): void {
    for (let i = 0; i < signed.length; i++) {
      const magnitude = signed[i]! & MAGNITUDE_MASK;
      if (magnitude >>> LOW_BITS === digit) this.#low[magnitude & LOW_MASK]!++;
    }
  }

  /** After it: what takes exactly `count` elements. */
  thresholdOf(count: number, high: RankedDigit): MagnitudeThreshold {
    const low = rankedDigit(this.#low, count - high.above);
    return { bits: high.digit * 2 ** LOW_BITS + low.digit, ties: count - high.above - low.above };
  }
}

interface RankedDigit {
  readonly digit: number;
  /** Elements with a larger one. */
  readonly above: number;
}

function rankedDigit(counts: Float64Array, rank: number): RankedDigit {
  let above = 0;
  let digit = counts.length - 1;
  for (; above + counts[digit]! < rank; digit--) above += counts[digit]!;
  return { digit, above };
}
