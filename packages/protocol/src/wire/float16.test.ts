/** @file Half precision against an independent reference in exact arithmetic, over all halves, ties and edges. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { errorCodeOf } from '../errors.js';
import { fromHalf, fromHalves, isFiniteHalf, MAX_HALF, toHalf, toHalves } from './float16.js';

/** IEEE 754-2008 §3.4, straight from the definition. */
function definedValue(half: number): number {
  const sign = half >> 15 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const fraction = half & 1023;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
}

/** The nearest half by search over all positive halves; a tie takes the even one. */
function nearestHalf(magnitude: number): number {
  let low = 0;
  let high = 0x7c00;
  const wide = (half: number): number => (half === 0x7c00 ? 65_536 : definedValue(half)); // infinity sits at 2^16 for rounding
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (wide(middle) <= magnitude) low = middle;
    else high = middle;
  }
  const below = magnitude - wide(low);
  const above = wide(high) - magnitude;
  if (below === above) return low % 2 === 0 ? low : high;
  return below < above ? low : high;
}

test('every half widens to its defined value and narrows back to the same bits', () => {
  for (let half = 0; half < 65_536; half++) {
    const value = fromHalf(half);
    assert.ok(Object.is(value, definedValue(half)), `half ${half.toString(16)}: ${value}`);
    if (!Number.isNaN(value)) assert.equal(toHalf(value), half, `half ${half.toString(16)}`);
    else assert.equal(toHalf(value) & 0x7fff, 0x7e00, 'NaN narrows to a quiet NaN');
  }
});

test('the middle between any two neighbours goes to the even one, and one FP32 ulp off it to the nearer one', () => {
  const float = new Float32Array(1);
  const bits = new Uint32Array(float.buffer);
  for (let half = 0; half < 0x7bff; half++) {
    float[0] = (definedValue(half) + definedValue(half + 1)) / 2; // exact in FP32
    assert.equal(toHalf(float[0]), half % 2 === 0 ? half : half + 1, `tie above ${half}`);
    assert.equal(
      toHalf(-float[0]),
      (half % 2 === 0 ? half : half + 1) | 0x8000,
      `negative tie above ${half}`,
    );
    bits[0] = bits[0]! - 1;
    assert.equal(toHalf(float[0]), half, `just below the tie above ${half}`);
    bits[0] = bits[0]! + 2;
    assert.equal(toHalf(float[0]), half + 1, `just above the tie above ${half}`);
  }
});

test('any FP32 value rounds to the nearest half', () => {
  fc.assert(
    fc.property(fc.float({ noNaN: true, noDefaultInfinity: true, min: -65_536, max: 65_536 }), (value) => {
      assert.equal(toHalf(value) & 0x7fff, nearestHalf(Math.abs(value)));
      assert.equal(toHalf(value) >> 15, Object.is(Math.sign(value), -1) || Object.is(value, -0) ? 1 : 0);
    }),
    { numRuns: 2000 },
  );
});

test('overflow gives infinity, or the largest half when saturating; tiny values keep their sign', () => {
  assert.equal(MAX_HALF, definedValue(0x7bff));
  const cases: [number, number, number][] = [
    [65_504, 0x7bff, 0x7bff],
    [65_519.996, 0x7bff, 0x7bff],
    [65_520, 0x7c00, 0x7bff],
    [1e30, 0x7c00, 0x7bff],
    [-65_520, 0xfc00, 0xfbff],
    [Number.POSITIVE_INFINITY, 0x7c00, 0x7bff],
    [Number.NEGATIVE_INFINITY, 0xfc00, 0xfbff],
    [2 ** -25, 0, 0], // tie with zero
    [2 ** -25 * (1 + 2 ** -23), 1, 1],
    [-(2 ** -26), 0x8000, 0x8000],
    [-1e-45, 0x8000, 0x8000],
    [-0, 0x8000, 0x8000],
  ];
  for (const [value, plain, saturated] of cases) {
    assert.equal(toHalf(value), plain, `${value}`);
    assert.equal(toHalf(value, { saturate: true }), saturated, `${value} saturating`);
  }
  assert.equal(isFiniteHalf(toHalf(Number.NaN, { saturate: true })), false, 'NaN is never hidden');
});

test('bulk conversion equals one by one, also on unaligned views and into given arrays', () => {
  const bits = new Uint32Array(4099).map((_, i) => Math.imul(i + 1, 2_654_435_761));
  const values = new Float32Array(bits.buffer).subarray(3);
  const into = new Uint16Array(values.length);
  assert.equal(toHalves(values, { into }), into);
  const saturated = toHalves(values, { saturate: true });
  values.forEach((value, i) => {
    assert.equal(into[i], toHalf(value));
    assert.equal(saturated[i], toHalf(value, { saturate: true }));
  });
  fromHalves(into).forEach((value, i) => {
    assert.ok(Object.is(value, fromHalf(into[i]!)));
  });
  assert.throws(
    () => toHalves(values, { into: new Uint16Array(1) }),
    (error) => errorCodeOf(error) === 'WIRE_SIZE',
  );
  assert.throws(
    () => fromHalves(into, new Float32Array(1)),
    (error) => errorCodeOf(error) === 'WIRE_SIZE',
  );
});
