/**
 * @file The k-th largest magnitude of a block, by quick-select on bit patterns: for non-negative floats the order of
 * the bits is the order of the values, and integer compares are what a JavaScript engine does fastest.
 * Method: Hoare 1961, "Algorithm 65: Find", with the median of three as pivot.
 */

const MAGNITUDE_MASK = 0x7fff_ffff;

/** What is taken of a block: everything above `bits`, and the first `ties` elements equal to it. */
export interface MagnitudeThreshold {
  readonly bits: number;
  readonly ties: number;
}

/** Bit patterns of |value| for a block whose float bits are `signed`, into `out`. */
export function magnitudesOf(signed: Int32Array, out: Int32Array): void {
  for (let i = 0; i < signed.length; i++) out[i] = signed[i]! & MAGNITUDE_MASK;
}

/**
 * The threshold that takes exactly `count` elements of `magnitudes` (or every element, if there are fewer).
 * Reorders `magnitudes`. Elements equal to the threshold are to be taken lowest index first.
 */
export function thresholdOf(magnitudes: Int32Array, count: number): MagnitudeThreshold {
  const size = magnitudes.length;
  if (count >= size) return { bits: -1, ties: 0 };
  const bits = select(magnitudes, size - count);
  let above = 0;
  // After selection everything right of the cut is at least `bits`.
  for (let i = size - count; i < size; i++) if (magnitudes[i]! > bits) above++;
  return { bits, ties: count - above };
}

/** The element that would stand at `rank` (0-based, ascending); smaller ones end up left of it, larger ones right. */
function select(values: Int32Array, rank: number): number {
  let low = 0;
  let high = values.length - 1;
  while (low < high) {
    const pivot = medianOfThree(values[low]!, values[(low + high) >> 1]!, values[high]!);
    let left = low;
    let right = high;
    while (left <= right) {
      while (values[left]! < pivot) left++;
      while (values[right]! > pivot) right--;
      if (left > right) break;
      const swapped = values[left]!;
      values[left++] = values[right]!;
      values[right--] = swapped;
    }
    if (rank <= right) high = right;
    else if (rank >= left) low = left;
    else break;
  }
  return values[rank]!;
}

function medianOfThree(a: number, b: number, c: number): number {
  return a < b ? (b < c ? b : Math.max(a, c)) : a < c ? a : Math.max(b, c);
}
