/** @file Positions: the divisor against its formula, every small set, random large ones, junk, and what a set costs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { seededRandom } from '../random.js';
import { BitWriter } from './BitWriter.js';
import { ByteFeed } from './ByteFeed.js';
import { WireError } from './errors.js';
import { gapDivisor, MOST_CHUNK_BYTES, remainderBits } from './gapCode.js';
import { PositionDecoder } from './PositionDecoder.js';
import { PositionEncoder } from './PositionEncoder.js';

function log2Choose(n: number, k: number): number {
  let bits = 0;
  for (let i = 0; i < k; i++) bits += Math.log2((n - i) / (k - i));
  return bits;
}

function encode(indices: Uint32Array, base: number, size: number): Uint8Array {
  const writer = new BitWriter();
  new PositionEncoder(writer, indices).chunk(0, indices.length, { base, size });
  return writer.finish();
}

function decode(bytes: Uint8Array, entries: number, at: { base: number; size: number }): Uint32Array {
  const decoder = new PositionDecoder(ByteFeed.of(bytes));
  const indices = new Uint32Array(entries);
  decoder.chunk(entries, at, indices);
  decoder.finish();
  return indices;
}

function randomSet(seed: string, size: number, entries: number): Uint32Array {
  const random = seededRandom(seed);
  const all = Uint32Array.from({ length: size }, (_, i) => i);
  for (let i = 0; i < entries; i++) {
    const other = i + random.below(size - i);
    [all[i], all[other]] = [all[other]!, all[i]!];
  }
  return all.subarray(0, entries).sort();
}

test('the divisor is what its formula says, and a chunk never takes more than its bound', () => {
  for (const n of [1, 2, 17, 100, 3000, 4095, 4096])
    for (let k = 1; 2 * k <= n; k++) {
      const divisor = gapDivisor(k, n);
      const exact = Math.LN2 * ((n - k) / (k + 1) + 0.5);
      assert.ok(
        divisor === 1 || Math.abs(divisor - exact) < 0.5 + n * 1e-5,
        `${k} of ${n}: ${divisor} for ${exact}`,
      );
      const mostBits = k * (1 + remainderBits(divisor)) + n / divisor;
      assert.ok(mostBits <= 8 * MOST_CHUNK_BYTES, `${k} of ${n}: ${mostBits} bits`);
    }
});

test('bits of a written-out example', () => {
  // 4 of 16: m = 2, remainders 0, 1. Gaps 1, 0, 5 are 1·1, 1·0, 001·1; the last, 1 of 6 left, whose codes are 00, 01, 100 …
  assert.equal(gapDivisor(4, 16), 2);
  assert.deepEqual(encode(Uint32Array.of(1, 2, 8, 10), 0, 16), Uint8Array.of(0b1110_0011, 0b0100_0000));
  // 12 of 16: the same of the free ones.
  const others = Uint32Array.from({ length: 16 }, (_, i) => i).filter((i) => ![1, 2, 8, 10].includes(i));
  assert.deepEqual(encode(others, 0, 16), Uint8Array.of(0b1110_0011, 0b0100_0000));
});

test('every set within 1 to 9, and within 17 positions, comes back', () => {
  for (const size of [1, 2, 3, 4, 5, 6, 7, 8, 9, 17])
    for (let mask = 0; mask < 1 << size; mask += size === 17 ? 5 : 1) {
      const indices = Uint32Array.from({ length: size }, (_, i) => i).filter((i) => mask & (1 << i));
      assert.deepEqual(decode(encode(indices, 0, size), indices.length, { base: 0, size }), indices);
    }
});

test('any set in a chunk of any size comes back', () => {
  const property = fc.property(
    fc.integer({ min: 1, max: 4096 }),
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.constantFrom(0, 4096, 2 ** 31),
    fc.string(),
    (size, share, base, seed) => {
      const indices = randomSet(seed, size, Math.round(share * size)).map((i) => base + i);
      assert.deepEqual(decode(encode(indices, base, size), indices.length, { base, size }), indices);
    },
  );
  fc.assert(property, { numRuns: 150 });
});

test('lopsided sets come back: all left, all right, one cluster, alternating', () => {
  for (const size of [4096, 3000])
    for (const indices of [
      Uint32Array.from({ length: 1000 }, (_, i) => i),
      Uint32Array.from({ length: 1000 }, (_, i) => size - 1000 + i),
      Uint32Array.from({ length: 40 }, (_, i) => 1990 + i),
      Uint32Array.from({ length: size / 2 }, (_, i) => 2 * i),
      Uint32Array.of(0, size - 1),
      Uint32Array.from({ length: size - 1 }, (_, i) => i + (i >= 77 ? 1 : 0)),
    ])
      assert.deepEqual(decode(encode(indices, 0, size), indices.length, { base: 0, size }), indices);
});

test('a set costs little more than log2 C(n, k) bits', () => {
  for (const size of [4096, 3000, 64])
    for (const share of [0.0003, 0.001, 0.01, 0.03, 0.2, 0.4, 0.5, 0.8, 0.99]) {
      const entries = Math.max(1, Math.round(share * size));
      const sets = 20;
      const writer = new BitWriter();
      for (let set = 0; set < sets; set++)
        new PositionEncoder(writer, randomSet(`cost ${set}`, size, entries)).chunk(0, entries, {
          base: 0,
          size,
        });
      const bits = 8 * writer.finish().length;
      const entropy = sets * log2Choose(size, entries);
      const most = Math.min(entries, size - entries) < 0.3 * size ? 1.02 : 1.05; // short gaps in whole bits cost more
      assert.ok(bits <= most * entropy + 2 * sets + 8, `${entries} of ${size}: ${bits} bits for ${entropy}`);
      assert.ok(bits >= 0.98 * entropy, 'random sets cannot cost less');
    }
});

test('junk is a set of the chunk or refused, and never read past its end', () => {
  const outcomes = { read: 0, refused: 0 };
  const property = fc.property(
    fc.uint8Array({ maxLength: 1200 }),
    fc.integer({ min: 1, max: 4096 }),
    fc.integer({ min: 0, max: 1000 }),
    (bytes, size, permille) => {
      const entries = Math.round((permille / 1000) ** 2 * size);
      const decoder = new PositionDecoder(ByteFeed.of(bytes));
      const indices = new Uint32Array(entries);
      try {
        decoder.chunk(entries, { base: 0, size }, indices);
      } catch (error) {
        assert.ok(error instanceof WireError, String(error));
        outcomes.refused++;
        return;
      }
      outcomes.read++;
      assert.ok(indices.every((index, i) => index < size && (i === 0 || index > indices[i - 1]!)));
      const again = encode(indices, 0, size);
      const whole = Math.max(0, again.length - 1);
      assert.deepEqual(bytes.subarray(0, whole), again.subarray(0, whole), 'one code for each set');
    },
  );
  fc.assert(property, { numRuns: 2000 });
  assert.ok(outcomes.read > 50 && outcomes.refused > 50, JSON.stringify(outcomes));
});

test('a long run of zeros is read, or refused where it leads out of the chunk', () => {
  const far = Uint32Array.from({ length: 1000 }, (_, i) => (i < 999 ? i : 4095)); // one gap of 3,096 after none
  assert.deepEqual(decode(encode(far, 0, 4096), 1000, { base: 0, size: 4096 }), far);
  assert.throws(() => decode(new Uint8Array(2000), 1000, { base: 0, size: 4096 }), {
    info: { code: 'WIRE_NOT_CANONICAL', atByte: 0 },
  });
});

test('what follows, and what is left of the last byte, is refused; what is missing is missed', () => {
  const bytes = encode(Uint32Array.of(5), 0, 16); // one of 16: 4 bits
  const codeOf = (run: () => unknown): string => {
    try {
      run();
      return 'ok';
    } catch (error) {
      if (error instanceof WireError) return error.info.code;
      throw error;
    }
  };
  const at = { base: 0, size: 16 };
  assert.equal(
    codeOf(() => decode(bytes, 1, at)),
    'ok',
  );
  assert.equal(
    codeOf(() => decode(Uint8Array.of(...bytes, 0), 1, at)),
    'WIRE_TRAILING_BYTES',
  );
  assert.equal(
    codeOf(() => decode(Uint8Array.of(bytes[0]! | 1), 1, at)),
    'WIRE_NOT_CANONICAL',
  );
  assert.equal(
    codeOf(() => decode(new Uint8Array(), 1, at)),
    'WIRE_TRUNCATED',
  );
});
