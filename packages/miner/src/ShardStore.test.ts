/** @file Only the blocks that a task needs travel, from whoever has them, and none is believed without its hash. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { BLOCK_BYTES, BLOCKS_FILE, blocksRoot, hashBlocks, shardFileName } from '@alice/data';
import { concatBytes, errorCodeOf, type ShardList, seededRandom, sha256Hex } from '@alice/protocol';
import { ContentCache } from './ContentCache.js';
import { DataMirror } from './DataMirror.js';
import { folderBytes } from './folderBytes.js';
import { ShardStore } from './ShardStore.js';
import { fileServer } from './testing/fileServer.js';

const BLOCKS = 8;
const BLOCK_TOKENS = BLOCK_BYTES / 2;

/** Shards of eight blocks, the last one short, and the files that a mirror of them holds. */
function dataset(count = 3): {
  shards: Uint8Array<ArrayBuffer>[];
  list: ShardList;
  files: Map<string, Uint8Array>;
} {
  const random = seededRandom('mirror');
  const shards = Array.from({ length: count }, () =>
    Uint8Array.from({ length: (BLOCKS - 1) * BLOCK_BYTES + 1000 }, () => random.below(256)),
  );
  const entries = shards.map((bytes, shard) => ({
    shard,
    tokens: bytes.length / 2,
    sizeBytes: bytes.length,
    hash: sha256Hex(bytes),
    blocks: blocksRoot(hashBlocks(bytes)),
  }));
  const list = { dataRoot: entries[0]!.hash, tokenizer: 't', vocab: 256, shards: entries };
  const files = new Map<string, Uint8Array>(shards.map((bytes, shard) => [shardFileName(shard), bytes]));
  files.set(BLOCKS_FILE, concatBytes(...shards.map(hashBlocks)));
  return { shards, list, files };
}

function server({ shards, list }: ReturnType<typeof dataset>) {
  const asked: string[] = [];
  return {
    asked,
    shards: async () => list,
    shardBlocks: async (shard: number) => {
      asked.push(`blocks ${shard}`);
      return hashBlocks(shards[shard]!);
    },
    shard: async (shard: number, { range }: { range?: { from: number; to: number } | undefined } = {}) => {
      asked.push(`shard ${shard} ${range === undefined ? 'all' : `${range.from}-${range.to}`}`);
      return shards[shard]!.slice(range?.from ?? 0, range?.to);
    },
  };
}

async function cacheIn(t: TestContext, maxBytes = 1e8): Promise<ContentCache> {
  const dir = await mkdtemp(join(tmpdir(), 'alice-shards-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  return ContentCache.open({ store: await folderBytes(dir), maxBytes });
}

/** The shard with zeros outside the given blocks. */
function only(shard: Uint8Array, ...blocks: readonly number[]): Uint8Array {
  return shard.map((byte, i) => (blocks.includes(Math.floor(i / BLOCK_BYTES)) ? byte : 0));
}

/** A failure names hashes, not half a million numbers. */
function same(actual: Uint8Array, expected: Uint8Array | undefined): void {
  assert.equal(sha256Hex(actual), sha256Hex(expected!));
}

it('fetches the blocks that hold the tokens, neighbours with one request, and each once', async (t) => {
  const data = dataset();
  const from = server(data);
  const store = new ShardStore(from, await cacheIn(t));
  const spans = [
    { from: BLOCK_TOKENS - 5, count: 10 },
    { from: 7 * BLOCK_TOKENS + 400, count: 100 },
  ];
  same(await store.shard(1, spans), only(data.shards[1]!, 0, 1, 7));
  const size = data.shards[1]!.length;
  assert.deepEqual(from.asked.splice(0), [
    'blocks 1',
    `shard 1 0-${2 * BLOCK_BYTES}`,
    `shard 1 ${7 * BLOCK_BYTES}-${size}`,
  ]);
  // One of two neighbours is new.
  const more = [{ from: BLOCK_TOKENS, count: 2 * BLOCK_TOKENS }];
  same(await store.shard(1, more), only(data.shards[1]!, 1, 2));
  assert.deepEqual(from.asked.splice(0), [`shard 1 ${2 * BLOCK_BYTES}-${3 * BLOCK_BYTES}`]);
  // Half of the blocks or more: the shard whole, as for callers that say nothing.
  same(await store.shard(2, [{ from: 0, count: 4 * BLOCK_TOKENS }]), data.shards[2]);
  same(await store.shard(2), data.shards[2]);
  assert.deepEqual(from.asked, ['shard 2 all']);
  await assert.rejects(store.shard(9), (error) => errorCodeOf(error) === 'SHARD_UNKNOWN');
});

it('goes on from its cache after a restart, and stays within the bound of the cache', async (t) => {
  const data = dataset();
  const from = server(data);
  const cache = await cacheIn(t, 3 * BLOCK_BYTES);
  const one = [{ from: 0, count: 10 }];
  await new ShardStore(from, cache).shard(0, one);
  from.asked.splice(0);
  same(await new ShardStore(from, cache).shard(0, one), only(data.shards[0]!, 0));
  assert.deepEqual(from.asked.splice(0), ['blocks 0'], 'the block was on disk');
  const store = new ShardStore(from, cache);
  for (const shard of [0, 1, 2])
    for (const block of [1, 3, 5]) await store.shard(shard, [{ from: block * BLOCK_TOKENS, count: 1 }]);
  assert.ok(cache.usedBytes <= 3 * BLOCK_BYTES);
});

it('asks a plain web server first, with Range or without, and the parameter server only for the list', async (t) => {
  const data = dataset();
  for (const hasRanges of [true, false]) {
    const from = server(data);
    const mirror = await fileServer(t, data.files, { hasRanges });
    const mirrors = [new DataMirror(`${mirror.url}/`)];
    const store = new ShardStore(from, await cacheIn(t), { mirrors });
    same(await store.shard(1, [{ from: 3 * BLOCK_TOKENS, count: 5 }]), only(data.shards[1]!, 3));
    same(await store.shard(2), data.shards[2]);
    assert.deepEqual(from.asked, []);
    if (hasRanges)
      assert.deepEqual(mirror.sent, [
        `${BLOCKS_FILE} ${32 * BLOCKS}-${64 * BLOCKS}`,
        `shard-000001.bin ${3 * BLOCK_BYTES}-${4 * BLOCK_BYTES}`,
        `shard-000002.bin 0-${data.shards[2]!.length}`,
      ]);
  }
});

it('believes no mirror: one that lies, ends early or has nothing is set aside, and the next place is asked', async (t) => {
  const data = dataset();
  const forged = data.shards[1]!.slice();
  forged[3 * BLOCK_BYTES]! ^= 1;
  const lies = [
    new Map([...data.files, ['shard-000001.bin', forged]]),
    new Map([...data.files, ['shard-000001.bin', data.shards[1]!.subarray(0, 100)]]),
    new Map([...data.files, [BLOCKS_FILE, data.files.get(BLOCKS_FILE)!.map((byte) => byte ^ 1)]]),
    new Map<string, Uint8Array>(),
  ];
  for (const files of lies) {
    const from = server(data);
    const [bad, good] = [await fileServer(t, files), await fileServer(t, data.files)];
    let nowMs = 0;
    const mirrors = [new DataMirror(bad.url), new DataMirror(good.url)];
    const store = new ShardStore(from, await cacheIn(t), { mirrors, nowMs: () => nowMs });
    same(await store.shard(1, [{ from: 3 * BLOCK_TOKENS, count: 5 }]), only(data.shards[1]!, 3));
    assert.deepEqual(from.asked, []);
    const before = bad.sent.length;
    await store.shard(0, [{ from: 0, count: 5 }]);
    assert.equal(bad.sent.length, before, 'not asked again so soon');
    // Later it is asked again; when no mirror is any good, the server is.
    good.files.clear();
    for (const name of data.files.keys()) bad.files.set(name, data.files.get(name)!);
    nowMs += 1e6;
    await store.shard(0, [{ from: 6 * BLOCK_TOKENS, count: 5 }]);
    assert.equal(bad.sent.at(-1), `shard-000000.bin ${6 * BLOCK_BYTES}-${7 * BLOCK_BYTES}`);
    bad.files.clear();
    same(await store.shard(0, [{ from: 5 * BLOCK_TOKENS, count: 5 }]), only(data.shards[0]!, 5));
    assert.deepEqual(from.asked, [`shard 0 ${5 * BLOCK_BYTES}-${6 * BLOCK_BYTES}`]);
  }
});

it('refuses what the server itself sends wrong', async (t) => {
  const data = dataset();
  const from = { ...server(data), shard: async () => new Uint8Array(BLOCK_BYTES) };
  const corrupt = (error: unknown): boolean => errorCodeOf(error) === 'DOWNLOAD_CORRUPT';
  await assert.rejects(new ShardStore(from, await cacheIn(t)).shard(0, [{ from: 0, count: 5 }]), corrupt);
  const other = { ...server(data), shardBlocks: async () => hashBlocks(data.shards[1]!) };
  await assert.rejects(new ShardStore(other, await cacheIn(t)).shard(0, [{ from: 0, count: 5 }]), corrupt);
  assert.throws(() => new DataMirror('http://mirror.example/data'), { code: 'TLS_REQUIRED' });
});
