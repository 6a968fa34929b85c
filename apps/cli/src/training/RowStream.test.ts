/** @file The order of training rows: every row once an epoch, from any position, another order each epoch. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Dataset } from '@alice/data';
import { RowStream } from './RowStream.js';

/** 20 training shards of 21 tokens (5 rows of 4 + 1) and one for validation; tokens say where they are from. */
const shards = Array.from({ length: 21 }, (_, id) => ({
  id,
  tokens: 21,
  split: id === 7 ? 'validation' : 'train',
}));
const read: number[] = [];
const dataset = {
  manifest: { shards },
  shard: async (id: number) => {
    read.push(id);
    return Uint16Array.from({ length: 21 }, (_, i) => id * 100 + i);
  },
} as unknown as Dataset;
const open = (seed = 's') => new RowStream(dataset, { rowLength: 5, seed });

async function firsts(stream: RowStream, from: number, count: number): Promise<number[]> {
  const rows = await stream.take(from, count);
  return Array.from({ length: count }, (_, i) => {
    assert.deepEqual(
      [...rows.subarray(5 * i, 5 * i + 5)],
      Array.from({ length: 5 }, (_, k) => rows[5 * i]! + k),
    );
    return rows[5 * i]!;
  });
}

test('an epoch has every training row once, none of validation, and the next has them in another order', async () => {
  const stream = open();
  assert.equal(stream.rows, 100);
  const wanted = shards.flatMap(({ id, split }) =>
    split === 'train' ? [0, 4, 8, 12, 16].map((at) => id * 100 + at) : [],
  );
  const [one, two] = [await firsts(stream, 0, 100), await firsts(stream, 100, 100)];
  for (const epoch of [one, two])
    assert.deepEqual(
      [...epoch].sort((a, b) => a - b),
      wanted,
    );
  assert.notDeepEqual(one, two);
  assert.notDeepEqual(await firsts(open('other'), 0, 100), one);
});

test('any position gives what reading from the beginning gives there', async () => {
  const all = await firsts(open(), 0, 250);
  for (const from of [0, 1, 38, 99, 100, 173])
    assert.deepEqual(await firsts(open(), from, 60), all.slice(from, from + 60));
});

test('shards are read in groups that stay in memory', async () => {
  read.length = 0;
  await open().take(0, 100);
  const groups = [read.slice(0, 40), read.slice(40, 80), read.slice(80)].map((ids) => new Set(ids).size);
  assert.deepEqual(groups, [8, 8, 4]);
});
