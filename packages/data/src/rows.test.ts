import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { cutRows, rowCount } from './cutRows.js';
import type { Manifest } from './manifest.js';
import type { Dataset } from './openDataset.js';
import { sampleRows } from './sampleRows.js';
import { shuffleRows } from './shuffleRows.js';

const counting = (n: number, from = 0): Uint16Array => Uint16Array.from({ length: n }, (_, i) => from + i);

it('cuts rows that share one token with the next', () => {
  assert.deepEqual([...cutRows(counting(8), 4)], [0, 1, 2, 3, 3, 4, 5, 6]);
  assert.deepEqual([...cutRows(counting(3), 4)], []);
  assert.deepEqual([...cutRows(counting(0), 4)], []);
  assert.throws(() => cutRows(counting(8), 1), { code: 'OPTION_INVALID' });
});

it('makes each token a label exactly once, up to what fills no row', () => {
  fc.assert(
    fc.property(fc.nat(300), fc.integer({ min: 2, max: 40 }), (n, rowLength) => {
      const rows = cutRows(counting(n), rowLength);
      assert.equal(rows.length, rowCount(n, rowLength) * rowLength);
      const labels = [...rows].filter((_, i) => i % rowLength !== 0);
      assert.deepEqual(labels, [...counting(labels.length, 1)]);
      assert.ok(labels.length > n - 1 - (rowLength - 1));
    }),
  );
});

it('shuffles whole rows, the same for the same seed, and leaves its input as it is', () => {
  const rows = counting(600);
  const shuffled = shuffleRows(rows, 6, 'a');
  assert.deepEqual(rows, counting(600));
  assert.deepEqual(shuffled, shuffleRows(rows, 6, 'a'));
  assert.notDeepEqual(shuffled, shuffleRows(rows, 6, 'b'));
  const firsts = Array.from({ length: 100 }, (_, i) => shuffled[6 * i]!);
  for (const [i, first] of firsts.entries())
    assert.deepEqual([...shuffled.subarray(6 * i, 6 * i + 6)], [...counting(6, first)]);
  assert.deepEqual(
    firsts.toSorted((a, b) => a - b),
    Array.from({ length: 100 }, (_, i) => 6 * i),
  );
  assert.notDeepEqual(
    firsts,
    firsts.toSorted((a, b) => a - b),
  );
  assert.throws(() => shuffleRows(counting(7), 6, 'a'), { code: 'OPTION_INVALID' });
});

/** Shard i holds 1000·i, 1000·i + 1, …, so that a token tells where it is from. */
function dataset(reads: number[] = []): Pick<Dataset, 'manifest' | 'shard'> {
  const lengths = [100, 61, 3, 80];
  const shards = lengths.map((tokens, id) => ({ id, split: id < 1 ? 'train' : 'validation', tokens }));
  const shard = async (id: number): Promise<Uint16Array> => {
    reads.push(id);
    return counting(lengths[id]!, 1000 * id);
  };
  return { manifest: { shards } as unknown as Manifest, shard };
}

it('samples different rows of one split, uniformly, as a pure function of the seed', async () => {
  const options = { dataset: dataset(), split: 'validation', rowLength: 11 } as const;
  // Shard 1 gives 6 rows of 11, shard 2 none, shard 3 seven.
  const all = await sampleRows({ ...options, rows: 13, seed: 'x' });
  const firsts = Array.from({ length: 13 }, (_, i) => all[11 * i]!);
  assert.deepEqual(
    firsts.toSorted((a, b) => a - b),
    [1000, 1010, 1020, 1030, 1040, 1050, 3000, 3010, 3020, 3030, 3040, 3050, 3060],
  );
  for (const [i, first] of firsts.entries())
    assert.deepEqual([...all.subarray(11 * i, 11 * i + 11)], [...counting(11, first)]);
  assert.deepEqual(await sampleRows({ ...options, rows: 13, seed: 'x' }), all);
  assert.notDeepEqual(await sampleRows({ ...options, rows: 13, seed: 'y' }), all);

  // Each row is as likely as any other at each place of a batch.
  const counts = new Map<number, number>();
  for (let i = 0; i < 2600; i++) {
    const batch = await sampleRows({ ...options, rows: 3, seed: `s${i}` });
    for (const place of [0, 2]) counts.set(batch[11 * place]!, (counts.get(batch[11 * place]!) ?? 0) + 1);
  }
  assert.equal(counts.size, 13);
  for (const [first, count] of counts) assert.ok(Math.abs(count - 400) < 90, `row ${first}: ${count}`);
});

it('refuses more rows than there are', async () => {
  await assert.rejects(
    sampleRows({ dataset: dataset(), split: 'validation', rows: 14, rowLength: 11, seed: 'x' }),
    {
      info: { code: 'ROWS_TOO_FEW', neededRows: 14, availableRows: 13 },
    },
  );
});
