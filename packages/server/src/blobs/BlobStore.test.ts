/** @file Blobs: addressed by content, checked when read, whole or absent. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { sha256Hex } from '@alice/protocol';
import { openFolderBlobStore } from './BlobStore.js';

it('stores, checks, streams and forgets', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'alice-blobs-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const store = openFolderBlobStore(dir);
  const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i);
  const refs = await Promise.all([store.put(bytes), store.put(bytes)]);
  assert.deepEqual(refs[0], { hash: sha256Hex(bytes), sizeBytes: 1000 });
  assert.deepEqual(refs[1], refs[0]);
  const { hash } = refs[0]!;
  assert.deepEqual(await store.get(hash), bytes);
  assert.deepEqual(
    [await store.sizeBytes(hash), await store.has(hash), await store.list()],
    [1000, true, [hash]],
  );
  assert.deepEqual(
    Buffer.concat(await store.stream(hash, { from: 10, to: 19 }).toArray()),
    Buffer.from(bytes.subarray(10, 20)),
  );
  const part = new Uint8Array(20);
  await store.readInto(hash, 300, part);
  assert.deepEqual(part, bytes.slice(300, 320));
  await assert.rejects(store.readInto(hash, 990, part), {
    info: { code: 'BLOB_CORRUPT', hash, actual: '1000 bytes' },
  });
  await store.delete(hash);
  assert.deepEqual([await store.has(hash), await store.list()], [false, []]);
  await assert.rejects(store.readInto(hash, 0, part), { info: { code: 'BLOB_MISSING', hash } });
  await assert.rejects(store.get(hash), { info: { code: 'BLOB_MISSING', hash } });
  const file = join(dir, 'arrived');
  for (const _ of [1, 2]) {
    writeFileSync(file, bytes);
    await store.adopt(file, refs[0]!);
    assert.deepEqual(await store.get(hash), bytes);
  }
  await store.delete(hash);
  assert.deepEqual(await store.put(new Uint8Array()), { hash: sha256Hex(new Uint8Array()), sizeBytes: 0 });
});

it('recognises damage, sweeps up after a kill, and never leaves its folder', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'alice-blobs-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const store = openFolderBlobStore(dir);
  const { hash } = await store.put(Uint8Array.of(1, 2, 3));
  writeFileSync(join(dir, hash.slice(2, 4), hash.slice(2)), 'abc');
  await assert.rejects(
    store.get(hash),
    (error: { info: { code: string } }) => error.info.code === 'BLOB_CORRUPT',
  );
  writeFileSync(join(dir, 'incoming-x'), 'half');
  assert.equal(openFolderBlobStore(dir).orphans, 1);
  assert.ok(!readdirSync(dir).includes('incoming-x'));
  for (const name of ['../../etc/passwd', '', '0x12', `0x${'..'.repeat(32)}`]) {
    assert.equal(await store.has(name), false);
    await assert.rejects(store.get(name), { info: { code: 'BLOB_MISSING', hash: name } });
  }
});
