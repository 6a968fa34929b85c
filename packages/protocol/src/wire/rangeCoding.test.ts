/** @file Range coder: any mix of symbols comes back, at its entropy, and each sequence has exactly one byte string. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { seededRandom } from '../random.js';
import { ByteFeed } from './ByteFeed.js';
import { WireError } from './errors.js';
import { RangeDecoder } from './RangeDecoder.js';
import { RangeEncoder } from './RangeEncoder.js';
import { bitContexts } from './rangeCoding.js';

type Step =
  | { kind: 'bit'; context: number; bit: number }
  | { kind: 'uniform'; symbol: number; count: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('bit' as const), context: fc.nat(3), bit: fc.nat(1) }),
  fc.integer({ min: 1, max: 32_768 }).chain((count) =>
    fc.record({
      kind: fc.constant('uniform' as const),
      symbol: fc.nat(count - 1),
      count: fc.constant(count),
    }),
  ),
);

function encode(steps: readonly Step[]): Uint8Array {
  const coder = new RangeEncoder();
  const contexts = bitContexts(4);
  for (const s of steps)
    if (s.kind === 'bit') coder.bit(contexts, s.context, s.bit);
    else coder.uniform(s.symbol, s.count);
  return coder.finish();
}

test('any mix of symbols comes back and ends where it ended', () => {
  const property = fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
    const coder = new RangeDecoder(ByteFeed.of(encode(steps)));
    const contexts = bitContexts(4);
    for (const s of steps) {
      if (s.kind === 'bit') assert.equal(coder.bit(contexts, s.context), s.bit);
      else assert.equal(coder.uniform(s.count), s.symbol);
    }
    coder.finish();
  });
  fc.assert(property, { numRuns: 400 });
});

test('carries run through any number of full bytes', () => {
  // The upper end of the interval, again and again, makes bytes of 0xff that one late carry turns over.
  for (let last = 0; last < 64; last++) {
    const steps: Step[] = Array.from({ length: 40 }, () => ({
      kind: 'uniform',
      symbol: 32_767,
      count: 32_768,
    }));
    steps.push({ kind: 'uniform', symbol: last, count: 64 });
    const coder = new RangeDecoder(ByteFeed.of(encode(steps)));
    for (let i = 0; i < 40; i++) assert.equal(coder.uniform(32_768), 32_767);
    assert.equal(coder.uniform(64), last);
    coder.finish();
  }
});

test('a learnt bit costs its entropy', () => {
  const random = seededRandom('skewed');
  const coder = new RangeEncoder();
  const contexts = bitContexts(1);
  const bits = 100_000;
  for (let i = 0; i < bits; i++) coder.bit(contexts, 0, random.unit() < 0.1 ? 1 : 0);
  const entropy = -(0.1 * Math.log2(0.1) + 0.9 * Math.log2(0.9));
  const cost = (8 * coder.finish().length) / bits;
  assert.ok(cost > 0.98 * entropy && cost < 1.03 * entropy, `${cost} bits for ${entropy}`);
});

test('of all byte strings, exactly one is accepted for each sequence of symbols', () => {
  const schedule = [5, 3, 7]; // 105 sequences; each fits in one or two bytes
  const seen = new Map<string, string>();
  const strings = [[], ...range(256).map((a) => [a]), ...range(65_536).map((ab) => [ab >> 8, ab & 255])];
  for (const bytes of strings) {
    const symbols = attempt(() => {
      const coder = new RangeDecoder(ByteFeed.of(Uint8Array.from(bytes)));
      const decoded = schedule.map((count) => coder.uniform(count));
      coder.finish();
      return decoded.join();
    });
    if (symbols === undefined) continue;
    assert.ok(!seen.has(symbols), `${symbols} twice: ${seen.get(symbols)} and ${bytes.join()}`);
    seen.set(symbols, bytes.join());
  }
  assert.equal(seen.size, 105);
});

test('numbers in what division leaves over, at the top of the range, are refused', () => {
  // ⌊(2³¹ − 1) / 3⌋ · 3 = 2³¹ − 2, and 2¹⁵ of ⌊(2³¹ − 1) / 2¹⁵⌋ end lower still.
  const top = Uint8Array.of(0xff, 0xff, 0xff, 0xfc); // 2³¹ − 2 in 31 bits
  const codeOf = (run: () => unknown): string | undefined => {
    try {
      run();
      return undefined;
    } catch (error) {
      return error instanceof WireError ? error.info.code : 'crash';
    }
  };
  assert.equal(
    codeOf(() => new RangeDecoder(ByteFeed.of(top)).uniform(3)),
    'WIRE_NOT_CANONICAL',
  );
  assert.equal(
    codeOf(() => new RangeDecoder(ByteFeed.of(top)).uniform(32_768)),
    'WIRE_NOT_CANONICAL',
  );
  assert.equal(
    codeOf(() => new RangeDecoder(ByteFeed.of(Uint8Array.of(0xff, 0xff, 0xff, 0xff)))),
    'WIRE_NOT_CANONICAL',
  );
  assert.equal(
    codeOf(() => new RangeDecoder(ByteFeed.of(top)).bit(bitContexts(1), 0)),
    undefined,
    'bits fill the range',
  );
});

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

function attempt<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}
