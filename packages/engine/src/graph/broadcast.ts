/** @file NumPy broadcasting of shapes: align at the right; a dimension of 1, or a missing one, repeats. */
import type { Shape } from './value.js';

/** The common shape of `a` and `b`, or `undefined` where they do not fit. */
export function broadcastShapes(a: Shape, b: Shape): Shape | undefined {
  const rank = Math.max(a.length, b.length);
  const shape: number[] = [];
  for (let i = 0; i < rank; i++) {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    if (x !== y && x !== 1 && y !== 1) return undefined;
    shape.push(x === 1 ? y : x);
  }
  return shape;
}

/** The axes of `wide` along which a value of shape `narrow` was repeated to reach it. */
export function repeatedAxes(narrow: Shape, wide: Shape): number[] {
  const missing = wide.length - narrow.length;
  return wide.flatMap((dim, i) => (i < missing || (narrow[i - missing] === 1 && dim !== 1) ? [i] : []));
}
