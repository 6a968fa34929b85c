/**
 * @file FP32 ↔ FP16 (IEEE 754 binary16) on raw bit patterns, exact: rounding is to nearest, ties to even, subnormals
 * included. A half is a `number` or `Uint16Array` element holding its 16 bits, so copies stay bit-identical.
 * Source: IEEE 754-2008 §4.3.1. Widening is lossless, so `toHalf(fromHalf(h)) === h` for every h that is not a NaN.
 */
import { WireError } from './errors.js';

/** Largest finite half. */
export const MAX_HALF = 65_504;
/** Bits of the largest finite half; add 1 for infinity. */
const MAX_HALF_BITS = 0x7bff;
const QUIET_NAN_BITS = 0x7e00;

/** FP32 bits (without sign) of 2⁻¹⁴, the smallest normal half. */
const MIN_NORMAL = 0x38800000;
/** FP32 bits of 65,520: from here on, rounding to nearest gives infinity. */
const OVERFLOW = 0x477ff000;
const FLOAT_INFINITY = 0x7f800000;
/** Exponent bias of FP32 less that of FP16, in place in the FP32 bits. */
const REBIAS = 0x38000000;

export interface HalfOptions {
  /** Clamp what would be ±Inf to ±65,504, as published weights must be. NaN stays NaN. Default: false. */
  readonly saturate?: boolean;
}

const scratchFloat = new Float32Array(1);
const scratchBits = new Uint32Array(scratchFloat.buffer);

/** One FP32 value → half bits. A wider number is rounded to FP32 first. */
export function toHalf(value: number, { saturate = false }: HalfOptions = {}): number {
  scratchFloat[0] = value;
  return halfOfBits(scratchBits[0]!, saturate ? MAX_HALF_BITS : MAX_HALF_BITS + 1);
}

/** Half bits → the same value as a number. */
export function fromHalf(half: number): number {
  return floatTable()[half & 0xffff]!;
}

/** FP32 values → half bits, into `into` when given. Cost: about 2 ns a value. Throws `WIRE_SIZE`. */
export function toHalves(
  values: Float32Array,
  {
    saturate = false,
    into = new Uint16Array(values.length),
  }: HalfOptions & { readonly into?: Uint16Array } = {},
): Uint16Array {
  checkLength(values.length, into.length);
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const overflow = saturate ? MAX_HALF_BITS : MAX_HALF_BITS + 1;
  for (let i = 0; i < bits.length; i++) into[i] = halfOfBits(bits[i]!, overflow);
  return into;
}

/** Half bits → FP32 values, into `into` when given. Cost: one table look-up a value. Throws `WIRE_SIZE`. */
export function fromHalves(
  halves: Uint16Array,
  into: Float32Array = new Float32Array(halves.length),
): Float32Array {
  checkLength(halves.length, into.length);
  const table = floatTable();
  for (let i = 0; i < halves.length; i++) into[i] = table[halves[i]!]!;
  return into;
}

/** False for ±Inf and NaN bits. */
export function isFiniteHalf(half: number): boolean {
  return (half & 0x7c00) !== 0x7c00;
}

/** `overflow`: the magnitude bits that stand for anything ≥ 65,520. */
function halfOfBits(bits: number, overflow: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude >= MIN_NORMAL) {
    // Half an ulp less one, plus the kept lowest bit: carries up exactly when nearest-even rounds up.
    if (magnitude < OVERFLOW) return sign | ((magnitude - REBIAS + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
    return sign | (magnitude > FLOAT_INFINITY ? QUIET_NAN_BITS : overflow);
  }
  const exponent = magnitude >>> 23;
  if (exponent < 102) return sign; // below half of the smallest subnormal, 2⁻²⁵
  const shift = 126 - exponent; // 14…24
  const mantissa = (magnitude & 0x7fffff) | 0x800000;
  return sign | ((mantissa + (1 << (shift - 1)) - 1 + ((mantissa >>> shift) & 1)) >>> shift);
}

let table: Float32Array | undefined;

/** All 65,536 halves as FP32 (256 KiB), made on first use. */
function floatTable(): Float32Array {
  if (table) return table;
  table = new Float32Array(65_536);
  const bits = new Uint32Array(table.buffer);
  for (let half = 0; half < 65_536; half++) {
    const sign = (half & 0x8000) << 16;
    const exponent = (half >>> 10) & 0x1f;
    const fraction = half & 0x3ff;
    if (exponent === 0) table[half] = (half & 0x8000 ? -1 : 1) * fraction * 2 ** -24;
    else if (exponent === 31) bits[half] = sign | FLOAT_INFINITY | (fraction << 13);
    else bits[half] = sign | ((exponent + 112) << 23) | (fraction << 13);
  }
  return table;
}

function checkLength(values: number, into: number): void {
  if (values !== into)
    throw new WireError(
      { code: 'WIRE_SIZE', expected: values, got: into },
      `the target holds ${into} values for ${values}: make both the same length`,
    );
}
