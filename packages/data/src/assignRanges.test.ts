import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type AssignRangesOptions, assignRanges } from './assignRanges.js';

const base: AssignRangesOptions = {
  seed: 's',
  miner: 'a2x/main',
  round: 3,
  rows: 32,
  rowLength: 17,
  shardsPerTask: 3,
  shards: Array.from({ length: 10 }, (_, id) => ({
    id,
    tokens: 1000 + id,
    split: id < 8 ? 'train' : 'validation',
  })),
};

test('a task is a pure function of seed, miner and round', () => {
  assert.deepEqual(assignRanges(base), assignRanges({ ...base }));
  for (const other of [{ seed: 't' }, { miner: 'a2y/main' }, { round: 4 }])
    assert.notDeepEqual(assignRanges({ ...base, ...other }), assignRanges(base), JSON.stringify(other));
});

test('ranges hold the rows asked for, never overlap and stay inside training shards', () => {
  const shards = fc.array(
    fc.record({ tokens: fc.integer({ min: 1, max: 3000 }), split: fc.constantFrom('train', 'validation') }),
    { minLength: 1, maxLength: 12 },
  );
  fc.assert(
    fc.property(
      shards,
      fc.integer({ min: 1, max: 200 }),
      fc.integer({ min: 2, max: 65 }),
      fc.integer({ min: 0, max: 1e6 }),
      (list, rows, rowLength, round) => {
        const numbered = list.map((shard, id) => ({ id, ...shard }));
        const usable = numbered
          .filter((s) => s.split === 'train')
          .reduce((sum, s) => sum + Math.max(0, Math.floor((s.tokens - 1) / (rowLength - 1))), 0);
        fc.pre(usable > 0);
        const ranges = assignRanges({ ...base, shards: numbered, rows, rowLength, round });
        const held = ranges.reduce((sum, { count }) => sum + (count - 1) / (rowLength - 1), 0);
        assert.ok(
          Number.isInteger(held) && held >= Math.min(rows, usable) && held < rows + 4,
          `${held} rows for ${rows} of ${usable}`,
        );
        for (const [i, { shard, from, count }] of ranges.entries()) {
          assert.equal(numbered[shard]!.split, 'train');
          assert.ok(from >= 0 && from + count <= numbered[shard]!.tokens, 'inside the shard');
          const before = ranges[i - 1];
          if (before?.shard === shard)
            assert.ok(before.from + before.count - 1 <= from, 'labels of two ranges never overlap');
        }
      },
    ),
  );
});

test('a task draws from few shards, and over the rounds from all alike', () => {
  const counts = new Array<number>(8).fill(0);
  for (let round = 0; round < 400; round++) {
    const ranges = assignRanges({ ...base, round });
    assert.ok(new Set(ranges.map(({ shard }) => shard)).size <= 3);
    for (const { shard } of ranges) counts[shard]! += 1;
  }
  const mean = counts.reduce((a, b) => a + b, 0) / counts.length;
  for (const [shard, n] of counts.entries())
    assert.ok(Math.abs(n - mean) < 0.25 * mean, `shard ${shard}: ${n} of ${mean}`);
});

test('shards without one row are refused', () => {
  assert.throws(() => assignRanges({ ...base, shards: [{ id: 0, tokens: 16 }] }), {
    info: { code: 'SHARDS_TOO_SHORT', tokensPerTask: 17, longestTokens: 16 },
  });
});
