import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { assignTokens } from './assignTokens.js';

const shards = [
  { id: 0, split: 'train', tokens: 1000 },
  { id: 1, split: 'train', tokens: 1000 },
  { id: 2, split: 'train', tokens: 399 },
  { id: 3, split: 'train', tokens: 50 },
  { id: 4, split: 'validation', tokens: 1000 },
] as const;

it('is a pure function of seed, miner and round', () => {
  const at = (seed: string, miner: string, round: number): string =>
    JSON.stringify(assignTokens({ seed, miner, round, shards, tokensPerTask: 100 }));
  // Pinned: every party must compute these, also in other implementations.
  assert.equal(at('alice', 'miner-1', 7), '{"shard":0,"from":700,"count":100}');
  assert.equal(at('alice', 'miner-1', 7), at('alice', 'miner-1', 7));
  const over = (values: readonly string[]): number => new Set(values).size;
  assert.ok(over(Array.from({ length: 50 }, (_, i) => at('alice', 'miner-1', i))) > 15);
  assert.ok(over(Array.from({ length: 50 }, (_, i) => at('alice', `miner-${i}`, 7))) > 15);
  assert.ok(over(Array.from({ length: 50 }, (_, i) => at(`seed-${i}`, 'miner-1', 7))) > 15);
});

it('stays inside a training shard; two miners of a round have the same range or disjoint ones', () => {
  fc.assert(
    fc.property(
      fc.string(),
      fc.nat(1000),
      fc.integer({ min: 1, max: 1000 }),
      (seed, round, tokensPerTask) => {
        const ranges = Array.from({ length: 8 }, (_, i) =>
          assignTokens({ seed, miner: `m${i}`, round, shards, tokensPerTask }),
        );
        for (const { shard, from, count } of ranges) {
          assert.equal(shards[shard]!.split, 'train');
          assert.ok(from >= 0 && count === tokensPerTask && from + count <= shards[shard]!.tokens);
        }
        for (const a of ranges)
          for (const b of ranges)
            if (a.shard === b.shard && a.from !== b.from)
              assert.ok(Math.abs(a.from - b.from) >= tokensPerTask);
      },
    ),
  );
});

it('is uniform over the slots of the training shards', () => {
  // 10 + 10 + 3 slots of 100 tokens; shard 3 is too short for one.
  const counts = new Map<string, number>();
  const draws = 23_000;
  for (let round = 0; round < draws; round++) {
    const { shard, from } = assignTokens({ seed: 's', miner: 'm', round, shards, tokensPerTask: 100 });
    const slot = `${shard}:${Math.floor(from / 100)}`;
    if (shard !== 2) counts.set(slot, (counts.get(slot) ?? 0) + 1);
    else counts.set('2', (counts.get('2') ?? 0) + 1);
  }
  assert.equal(counts.size, 21);
  let chiSquare = 0;
  for (const [slot, count] of counts) {
    const expected = slot === '2' ? 3000 : 1000;
    chiSquare += (count - expected) ** 2 / expected;
  }
  // 20 degrees of freedom: 45.3 is exceeded by chance once in a thousand times; the draw is fixed by the seed.
  assert.ok(chiSquare < 45.3, `chi² = ${chiSquare}`);
});

it('moves the cuts of a shard with spare tokens from round to round, for all miners alike', () => {
  const offsets = new Set<number>();
  for (let round = 0; round < 40; round++) {
    const inRound = new Set<number>();
    for (let i = 0; i < 20; i++) {
      const { from } = assignTokens({
        seed: 's',
        miner: `m${i}`,
        round,
        shards: [shards[2]],
        tokensPerTask: 100,
      });
      inRound.add(from % 100);
    }
    assert.equal(inRound.size, 1, `round ${round}`);
    for (const offset of inRound) offsets.add(offset);
  }
  assert.ok(offsets.size > 20);
});

it('says so when no training shard is long enough', () => {
  assert.throws(() => assignTokens({ seed: 's', miner: 'm', round: 0, shards, tokensPerTask: 1001 }), {
    info: { code: 'SHARDS_TOO_SHORT', tokensPerTask: 1001, longestTokens: 1000 },
  });
  assert.throws(() => assignTokens({ seed: 's', miner: 'm', round: 0, shards, tokensPerTask: 0 }), {
    code: 'OPTION_INVALID',
  });
});
