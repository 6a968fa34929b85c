/**
 * @file Magnitudes in 16 bits: FP32 without its sign bit and its 15 lowest fraction bits, that is 8 bits of exponent
 * and 8 of fraction. FP16 would lose every delta below 6·10⁻⁸ and overflow at 65,504; a magnitude needs no sign, and
 * its bit buys the range of FP32. What 2⁻⁹ of relative rounding costs, error feedback returns.
 */

const DROPPED_BITS = 15;
/** The first one that is not finite. */
const INFINITE = 0xff00;

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

export function floatOfScale(scale: number): number {
  bits[0] = scale << DROPPED_BITS;
  return float[0]!;
}

export function isFiniteScale(scale: number): boolean {
  return scale < INFINITE;
}

/** The largest scale that is not above `magnitude`, an FP32 value ≥ 0. */
export function scaleBelow(magnitude: number): number {
  float[0] = magnitude;
  return bits[0]! >>> DROPPED_BITS;
}

/** The smallest scale that is not below `magnitude`; not finite when there is none. */
export function scaleAbove(magnitude: number): number {
  float[0] = magnitude;
  return (bits[0]! + (1 << DROPPED_BITS) - 1) >>> DROPPED_BITS;
}

/** The nearest finite scale, ties to even. */
export function scaleNearest(magnitude: number): number {
  float[0] = magnitude;
  const half = (1 << (DROPPED_BITS - 1)) - 1;
  const even = (bits[0]! >>> DROPPED_BITS) & 1;
  return Math.min(INFINITE - 1, (bits[0]! + half + even) >>> DROPPED_BITS);
}
