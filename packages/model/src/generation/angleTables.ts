/** @file Rotary angles of all positions of a context, computed once. */
import type { ModelConfig } from '../ModelConfig.js';

export interface AngleTables {
  /** D/2: angles of a position. */
  readonly half: number;
  /** (count, D/2), of `count` positions starting with `from`: views. */
  cos(from: number, count: number): Float32Array;
  sin(from: number, count: number): Float32Array;
}

/** Past the end of the context lie `spare` positions of zeros, which only filled-up tokens read. */
export function angleTables(
  { context, width, heads, ropeTheta }: ModelConfig,
  { spare }: { readonly spare: number },
): AngleTables {
  const half = width / heads / 2;
  const table = (of: (angle: number) => number) => {
    const values = new Float32Array((context + spare) * half);
    for (let t = 0; t < context; t++)
      for (let i = 0; i < half; i++) values[t * half + i] = of(t * ropeTheta ** (-i / half));
    return (from: number, count: number) => values.subarray(from * half, (from + count) * half);
  };
  return { half, cos: table(Math.cos), sin: table(Math.sin) };
}
