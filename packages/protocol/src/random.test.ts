/** @file The seeded generator against an independent one in big integers, and its distributions at fixed seeds. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { seededRandom } from './random.js';

/** xoshiro128** from its authors' description (Blackman and Vigna, 2018), in 32-bit big integers. */
function* reference(seed: string): Generator<number> {
  const digest = createHash('sha256').update(seed).digest();
  const mask = 0xffff_ffffn;
  const s = [0, 4, 8, 12].map((at) => BigInt(digest.readUInt32LE(at)));
  s[3] = s[3]! | 1n; // never the all-zero state
  const rotl = (x: bigint, k: bigint): bigint => ((x << k) | (x >> (32n - k))) & mask;
  for (;;) {
    yield Number((rotl((s[1]! * 5n) & mask, 7n) * 9n) & mask);
    const t = (s[1]! << 9n) & mask;
    s[2]! ^= s[0]!;
    s[3]! ^= s[1]!;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= t;
    s[3] = rotl(s[3]!, 11n);
  }
}

test('the sequence is xoshiro128** seeded by SHA-256 of the text', () => {
  for (const seed of ['', 'alice', 'shard 7, miner a2…, round 12', 'é']) {
    const random = seededRandom(seed);
    const expected = reference(seed);
    for (let i = 0; i < 1000; i++)
      assert.equal(random.u32(), expected.next().value, `seed "${seed}", draw ${i}`);
  }
});

test('unit takes 53 bits from two draws', () => {
  const random = seededRandom('unit');
  const draws = reference('unit');
  for (let i = 0; i < 100; i++) {
    const [high, low] = [draws.next().value as number, draws.next().value as number];
    assert.equal(random.unit(), ((high >>> 5) * 2 ** 26 + (low >>> 6)) / 2 ** 53);
  }
});

test('below is uniform: chi-square of 60,000 draws at a fixed seed', () => {
  for (const bound of [2, 3, 6, 10]) {
    const random = seededRandom(`below ${bound}`);
    const counts = new Array<number>(bound).fill(0);
    for (let i = 0; i < 60_000; i++) counts[random.below(bound)]!++;
    const expected = 60_000 / bound;
    const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    assert.ok(chiSquare < 28, `bound ${bound}: ${chiSquare} (0.1 % point at 9 degrees of freedom: 27.9)`);
  }
});

test('below rejects the incomplete last interval and reaches its extremes', () => {
  assert.equal(seededRandom('one').below(1), 0);
  const bound = 2 ** 31 + 1; // almost half of all draws must be rejected
  const random = seededRandom('large');
  const draws = reference('large');
  for (let i = 0; i < 200; i++) {
    let draw = draws.next().value as number;
    while (draw >= bound) draw = draws.next().value as number;
    assert.equal(random.below(bound), draw);
  }
  const full = seededRandom('full');
  const all = reference('full');
  for (let i = 0; i < 50; i++) assert.equal(full.below(2 ** 32), all.next().value);
});

test('normal has the moments of a standard normal', () => {
  const random = seededRandom('normal');
  const draws = Array.from({ length: 100_000 }, () => random.normal());
  const moment = (power: number): number => draws.reduce((sum, x) => sum + x ** power, 0) / draws.length;
  assert.ok(Math.abs(moment(1)) < 0.015, `mean ${moment(1)}`);
  assert.ok(Math.abs(moment(2) - 1) < 0.02, `variance ${moment(2)}`);
  assert.ok(Math.abs(moment(3)) < 0.04, `third moment ${moment(3)}`);
  assert.ok(Math.abs(moment(4) - 3) < 0.15, `fourth moment ${moment(4)}`);
  assert.ok(draws.every(Number.isFinite));
});
