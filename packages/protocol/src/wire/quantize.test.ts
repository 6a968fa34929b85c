/** @file Value rounding: scales, what each width gives, that rounding twice changes nothing, and refusals. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { seededRandom } from '../random.js';
import type { SparseTensor } from '../sparseDelta.js';
import { WireError } from './errors.js';
import { blockEnds, dequantize, quantize, roundDelta, VALUE_BITS, type ValueBits } from './quantize.js';
import { floatOfScale, isFiniteScale, scaleAbove, scaleBelow, scaleNearest } from './scale16.js';

const scaleOf = (
  values: number[],
  bits: ValueBits,
): { low: number; high: number; levels: number[]; out: number[] } => {
  const part = tensorOf(values);
  const quantized = quantize(part, bits);
  return {
    low: floatOfScale(quantized.scales[0]!),
    high: floatOfScale(quantized.scales[1]!),
    levels: [...quantized.codes].map((code) => code & ((1 << (bits - 1)) - 1)),
    out: [...dequantize(quantized, part, bits)],
  };
};

function tensorOf(values: ArrayLike<number>, indices?: Uint32Array): SparseTensor {
  const all = Float32Array.from(values);
  return { tensor: 0, indices: indices ?? Uint32Array.from(all, (_, i) => i), values: all };
}

test('scales: each finite one is its own value, and rounding finds the neighbours', () => {
  let previous = -1;
  for (let scale = 0; isFiniteScale(scale); scale++) {
    const value = floatOfScale(scale);
    assert.ok(value > previous && Number.isFinite(value));
    assert.equal(scaleBelow(value), scale);
    assert.equal(scaleAbove(value), scale);
    assert.equal(scaleNearest(value), scale);
    if (scale % 97 === 1) {
      const between = Math.fround(previous + 0.7 * (value - previous));
      assert.equal(scaleBelow(between), scale - 1);
      assert.equal(scaleAbove(between), scale);
      assert.equal(scaleNearest(between), scale);
      const tie = Math.fround((previous + value) / 2);
      assert.equal(scaleNearest(tie), scale % 2 === 0 ? scale : scale - 1, `tie below ${scale}`);
    }
    previous = value;
  }
  assert.equal(isFiniteScale(scaleAbove(3.4e38)), false);
  assert.equal(scaleNearest(3.4e38), 0xfeff);
});

test('two bits: the means of the magnitudes up to their mean and above it', () => {
  const { low, high, levels, out } = scaleOf([1, -2, 3, -10], 2); // mean 4
  assert.deepEqual({ low, high, levels }, { low: 2, high: 10, levels: [0, 0, 0, 1] });
  assert.deepEqual(out, [2, -2, 2, -10]);
});

test('four and eight bits: even levels from the smallest to the largest magnitude', () => {
  assert.deepEqual(scaleOf([1, -8, 2.4, 2.6, -0], 4).levels, [1, 7, 2, 2, 0]); // steps of 8/7
  const four = scaleOf([1, -8, 2.4, 2.6], 4);
  assert.deepEqual(four.levels, [0, 7, 1, 2]);
  assert.deepEqual(four.out, [1, -8, 2, 3]);
  const random = seededRandom('eight');
  const values = Array.from({ length: 60 }, () => (1 + random.unit()) * (random.unit() < 0.5 ? 1 : -1));
  const eight = scaleOf(values, 8);
  const step = (eight.high - eight.low) / 127;
  for (const [i, value] of values.entries()) {
    const clipped = Math.min(eight.high, Math.max(eight.low, Math.abs(value)));
    assert.ok(Math.abs(Math.abs(eight.out[i]!) - clipped) <= 0.5 * step + 1e-6);
    assert.equal(Math.sign(eight.out[i]!), Math.sign(value));
  }
});

test('equal magnitudes, zeros and the extremes of FP32 survive', () => {
  for (const bits of VALUE_BITS) {
    assert.deepEqual(scaleOf([0.5, -0.5, 0.5], bits).out, [0.5, -0.5, 0.5]);
    assert.deepEqual(scaleOf([0, -0], bits).out, [0, -0]);
    const tiny = scaleOf([1e-9, -3e-9], bits).out;
    assert.ok(Math.abs(tiny[0]! - 1e-9) < 4e-12 && Math.abs(tiny[1]! + 3e-9) < 12e-12, `${tiny}`);
    const huge = scaleOf([3.4e38, -1], bits).out;
    assert.ok(Math.abs(huge[0]! / 3.4e38 - 1) < 2 ** -8 && Number.isFinite(huge[0]!));
    assert.equal(scaleOf([-(2 ** -149)], bits).out[0], -0, 'below half of the smallest scale');
  }
});

test('blocks are whole chunks of at least 64 entries', () => {
  const at = (...parts: [chunk: number, count: number][]): Uint32Array =>
    Uint32Array.from(
      parts.flatMap(([chunk, count]) => Array.from({ length: count }, (_, i) => 4096 * chunk + i)),
    );
  assert.deepEqual([...blockEnds(at([0, 123], [1, 123], [2, 5]))], [123, 246, 251]);
  assert.deepEqual([...blockEnds(at([0, 63], [1, 1], [2, 1]))], [64, 65]);
  assert.deepEqual([...blockEnds(at([0, 4], [3, 4], [9, 4]))], [12]);
  assert.deepEqual([...blockEnds(at([2 ** 19, 64], [2 ** 20 - 1, 1]))], [64, 65], 'indices above 2³¹');
  assert.deepEqual([...blockEnds(at())], []);
});

test('what was rounded once is not changed by rounding again', () => {
  const value = fc.oneof(
    fc.float({ noNaN: true, noDefaultInfinity: true }),
    fc.float({ min: -1, max: 1, noNaN: true }),
    fc.constantFrom(1, 1.001, -1.002, 1.0039, 0, -0, 2 ** -149),
  );
  const property = fc.property(
    fc.array(value, { minLength: 1, maxLength: 300 }),
    fc.integer({ min: 1, max: 300 }),
    fc.constantFrom(...VALUE_BITS),
    (values, stride, bits) => {
      const part = tensorOf(
        values,
        Uint32Array.from(values, (_, i) => i * stride),
      );
      const once = quantize(part, bits);
      const seen = dequantize(once, part, bits);
      assert.deepEqual(quantize({ ...part, values: seen }, bits), once);
      const again = roundDelta({ tensors: [{ ...part, values: seen }] }, bits).tensors[0]!.values;
      assert.deepEqual(new Int32Array(again.buffer), new Int32Array(seen.buffer));
    },
  );
  fc.assert(property, { numRuns: 600 });
});

test('blocks narrower than a few scale steps are rounded to something a receiver accepts', () => {
  const random = seededRandom('narrow');
  for (const width of [0.001, 0.003, 0.006, 0.01, 0.02])
    for (const bits of VALUE_BITS) {
      const values = Array.from({ length: 50 }, () => 1.0005 + width * random.unit());
      const { low, high, out } = scaleOf(values, bits); // reading it back is the check: it throws otherwise
      assert.ok(low <= high && Math.abs(low - 1.0005) < width + 2 ** -8);
      for (const [i, value] of values.entries()) assert.ok(Math.abs(out[i]! - value) < 2 ** -8 + width / 2);
    }
});

test('rounding keeps most of a normal block: error by width', () => {
  const random = seededRandom('normal');
  const values = Float32Array.from({ length: 4000 }, () => {
    const x = random.normal();
    return x + 2 * Math.sign(x); // what a magnitude threshold lets through
  });
  const part = tensorOf(
    values,
    Uint32Array.from(values, (_, i) => 33 * i),
  );
  const errors = VALUE_BITS.map((bits) => {
    const seen = dequantize(quantize(part, bits), part, bits);
    const energy = values.reduce((sum, x) => sum + x * x, 0);
    return values.reduce((sum, x, i) => sum + (x - seen[i]!) ** 2, 0) / energy;
  });
  assert.ok(errors[0]! < 0.02 && errors[1]! < 0.002 && errors[2]! < 1e-5, errors.join());
});

test('scales and levels that rounding would not choose are refused', () => {
  const codeOf = (scales: number[], codes: number[], bits: ValueBits): string => {
    try {
      const indices = Uint32Array.from(codes, (_, i) => i);
      dequantize(
        { scales: Uint16Array.from(scales), codes: Uint8Array.from(codes) },
        { tensor: 0, indices },
        bits,
      );
      return 'ok';
    } catch (error) {
      if (error instanceof WireError) return error.info.code;
      throw error;
    }
  };
  assert.equal(codeOf([0x3f00, 0x4000], [0, 1], 2), 'ok');
  assert.equal(codeOf([0x3f00, 0x4000], [2, 3], 2), 'ok');
  assert.equal(codeOf([0x3f00, 0x4000], [0, 2], 2), 'WIRE_NOT_CANONICAL', 'upper magnitude unused');
  assert.equal(codeOf([0x3f00, 0x4000], [1, 3], 2), 'WIRE_NOT_CANONICAL', 'lower magnitude unused');
  assert.equal(codeOf([0x4000, 0x3f00], [0, 1], 2), 'WIRE_NOT_CANONICAL', 'descending');
  assert.equal(codeOf([0x4000, 0x4000], [0, 1], 2), 'WIRE_NOT_CANONICAL', 'two levels of one magnitude');
  assert.equal(codeOf([0x4000, 0x4000], [0, 2], 2), 'ok');
  assert.equal(codeOf([0x3f00, 0x4000], [0, 126], 8), 'WIRE_NOT_CANONICAL');
  assert.equal(codeOf([0x3f00, 0x4000], [0, 255], 8), 'ok');
  assert.equal(codeOf([0x3f00, 0xff00], [0, 1], 2), 'WIRE_NOT_FINITE');
  assert.equal(codeOf([0xff80, 0xffff], [0, 1], 2), 'WIRE_NOT_FINITE');
  assert.throws(
    () => quantize(tensorOf([1, Number.NaN]), 4),
    (e) => e instanceof WireError && e.info.code === 'WIRE_NOT_FINITE' && e.info.index === 1,
  );
});
