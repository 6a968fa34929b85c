/** @file The cache never hands out bytes that do not have the hash they are asked by, and keeps to its size. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { errorCodeOf, sha256Hex } from '@alice/protocol';
import { ContentCache } from './ContentCache.js';
import { folderBytes } from './folderBytes.js';

let dir = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'alice-cache-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const item = (n: number) => {
  const bytes = new Uint8Array(100).fill(n);
  return { bytes, hash: sha256Hex(bytes) };
};
const never = async (): Promise<Uint8Array> => {
  throw new Error('downloaded again');
};

describe('ContentCache', () => {
  it('downloads once, also for callers at the same time and after a restart', async () => {
    const cache = await ContentCache.open({ store: await folderBytes(dir), maxBytes: 1000 });
    const { bytes, hash } = item(1);
    let downloads = 0;
    const download = async () => {
      downloads++;
      return bytes;
    };
    await Promise.all([cache.get(hash, download), cache.get(hash, download)]);
    assert.equal(downloads, 1);
    const reopened = await ContentCache.open({ store: await folderBytes(dir), maxBytes: 1000 });
    assert.deepEqual(new Uint8Array(await reopened.get(hash, never)), bytes);
    assert.equal(reopened.usedBytes, 100);
  });

  it('refuses a download with another hash and asks anew next time', async () => {
    const cache = await ContentCache.open({ store: await folderBytes(dir), maxBytes: 1000 });
    const { bytes, hash } = item(1);
    await assert.rejects(
      cache.get(hash, async () => item(2).bytes),
      (error) => errorCodeOf(error) === 'DOWNLOAD_CORRUPT',
    );
    assert.deepEqual(await cache.get(hash, async () => bytes), bytes);
  });

  it('replaces what the disk or a crash has damaged', async () => {
    const cache = await ContentCache.open({ store: await folderBytes(dir), maxBytes: 1000 });
    const { bytes, hash } = item(1);
    await cache.get(hash, async () => bytes);
    await writeFile(join(dir, hash), bytes.subarray(0, 50));
    assert.deepEqual(await cache.get(hash, async () => bytes), bytes);
    assert.equal(cache.usedBytes, 100);
    await writeFile(join(dir, `${hash}.1.tmp`), 'half');
    await ContentCache.open({ store: await folderBytes(dir), maxBytes: 1000 });
    assert.deepEqual(await readdir(dir), [hash]);
  });

  it('keeps to its size, least recently used first out', async () => {
    const cache = await ContentCache.open({ store: await folderBytes(dir), maxBytes: 250 });
    const [a, b, c] = [item(1), item(2), item(3)];
    await cache.get(a.hash, async () => a.bytes);
    await writeTime();
    await cache.get(b.hash, async () => b.bytes);
    await writeTime();
    await cache.get(a.hash, never); // a is now younger than b
    await writeTime();
    await cache.get(c.hash, async () => c.bytes);
    assert.deepEqual((await readdir(dir)).sort(), [a.hash, c.hash].sort());
    assert.equal(cache.usedBytes, 200);
    const shrunk = await ContentCache.open({ store: await folderBytes(dir), maxBytes: 100 });
    assert.equal(shrunk.usedBytes, 100);
  });

  it('passes through what is larger than all of it', async () => {
    const cache = await ContentCache.open({ store: await folderBytes(dir), maxBytes: 50 });
    const { bytes, hash } = item(1);
    assert.deepEqual(await cache.get(hash, async () => bytes), bytes);
    assert.deepEqual(await readdir(dir), []);
  });
});

/** Waits until the clock that orders entries has moved on. */
async function writeTime(): Promise<void> {
  const now = Date.now();
  while (Date.now() === now) await new Promise((resolve) => setImmediate(resolve));
}
