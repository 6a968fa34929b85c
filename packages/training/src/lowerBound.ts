/** @file Binary search in ascending numbers. */

/** How many of them are below `least`: where the first that is not stands. */
export function lowerBound(ascending: ArrayLike<number>, least: number): number {
  let [low, high] = [0, ascending.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ascending[middle]! < least) low = middle + 1;
    else high = middle;
  }
  return low;
}
