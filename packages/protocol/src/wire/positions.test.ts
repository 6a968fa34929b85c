/** @file Positions: tables against exact chances, every small set, random large ones, and what a set costs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { seededRandom } from '../random.js';
import { ByteFeed } from './ByteFeed.js';
import { bitPatterns } from './bitPatterns.js';
import { PositionDecoder } from './PositionDecoder.js';
import { PositionEncoder } from './PositionEncoder.js';
import { RangeDecoder } from './RangeDecoder.js';
import { RangeEncoder } from './RangeEncoder.js';
import { leftSize, splitTable } from './splitTable.js';

function choose(n: number, k: number): bigint {
  let result = 1n;
  for (let i = 0; i < k; i++) result = (result * BigInt(n - i)) / BigInt(i + 1);
  return result;
}

function log2Choose(n: number, k: number): number {
  let bits = 0;
  for (let i = 0; i < k; i++) bits += Math.log2((n - i) / (k - i));
  return bits;
}

function encode(indices: Uint32Array, base: number, size: number): Uint8Array {
  const coder = new RangeEncoder();
  new PositionEncoder(coder, indices).node(0, indices.length, base, size);
  return coder.finish();
}

function decode(
  bytes: Uint8Array,
  entries: number,
  { base, size }: { base: number; size: number },
): Uint32Array {
  const coder = new RangeDecoder(ByteFeed.of(bytes));
  const indices = new Uint32Array(entries);
  new PositionDecoder(coder, indices).chunk(entries, base, size);
  coder.finish();
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

test('split tables are the hypergeometric distribution, every count possible', () => {
  for (const [size, entries] of [
    [17, 2],
    [31, 15],
    [100, 50],
    [4096, 5],
    [4096, 123],
    [3072, 1500],
  ] as const) {
    const { least, starts } = splitTable(size, entries);
    const left = leftSize(size);
    const all = choose(size, entries);
    assert.equal(least, Math.max(0, entries - (size - left)));
    assert.equal(starts.length - 1, Math.min(entries, left) - least + 1);
    assert.equal(starts.at(-1), 32_768);
    for (let i = 0; i + 1 < starts.length; i++) {
      const ways = choose(left, least + i) * choose(size - left, entries - least - i);
      const chance = Number((ways * 10n ** 12n) / all) / 1e12;
      const part = (starts[i + 1]! - starts[i]!) / 32_768;
      assert.ok(part > 0);
      // One part for each count is taken from all in proportion, and rounding down gives the rest to the likeliest.
      assert.ok(
        Math.abs(part - chance) <= (2 * starts.length) / 32_768,
        `${size}/${entries}: ${part} for ${chance}`,
      );
    }
  }
});

test('mask ranks are the combinatorial number system', () => {
  const { rankOf, masks, from } = bitPatterns();
  for (let mask = 0; mask < 65_536; mask += 7) {
    const positions = Array.from({ length: 16 }, (_, i) => i).filter((i) => mask & (1 << i));
    const rank = positions.reduce((sum, position, i) => sum + Number(choose(position, i + 1)), 0);
    assert.equal(rankOf[mask], rank);
    assert.equal(masks[from[positions.length]! + rank], mask);
  }
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

test('a set costs at most 1% and two bytes more than log2 C(n, k)', () => {
  for (const size of [4096, 3000, 64])
    for (const share of [0.0003, 0.001, 0.01, 0.03, 0.2, 0.5, 0.8, 0.99]) {
      const entries = Math.max(1, Math.round(share * size));
      const sets = 20;
      const coder = new RangeEncoder();
      for (let set = 0; set < sets; set++)
        new PositionEncoder(coder, randomSet(`cost ${set}`, size, entries)).node(0, entries, 0, size);
      const bits = 8 * coder.finish().length;
      const entropy = sets * log2Choose(size, entries);
      assert.ok(bits <= 1.01 * entropy + 16, `${entries} of ${size}: ${bits} bits for ${entropy}`);
      assert.ok(bits >= 0.98 * entropy, 'random sets cannot cost less');
    }
});
