/** @file Checks that a snapshot gives back the very state, taken while blocks go on, and that a wrong one gives nothing. */
import assert from 'node:assert/strict';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { errorCodeOf, fromHex, type HexString, toHex, utf8 } from '@alice/protocol';
import fc from 'fast-check';
import { appendChanges, openChain, scratchDirectory } from '../testing/scratchChain.js';
import { initHasher } from '../trie/blake2.js';
import { decodeEntries, decodeList, encodeEntries, encodeList } from './chunks.js';
import { decodeManifest, encodeManifest, sha256Of } from './manifest.js';
import { restoreSnapshot } from './restoreSnapshot.js';
import { SnapshotFile } from './SnapshotFile.js';
import { writeSnapshot } from './writeSnapshot.js';

before(initHasher);

const NOW: HexString = '0xf0c365c3cf59d671eb72da0e7a4113c49f1f0515f462cdcf84e0f1d6045dfcbb';
const TIME = fromHex('0x0001000000000000');

/** A chain with about 3 MiB of state at block 1. */
function largeChain() {
  const scratch = openChain();
  const changes = new Map<HexString, Uint8Array>([[NOW, TIME]]);
  for (let i = 0; i < 3000; i++)
    changes.set(toHex(utf8.encode(`slot/${i}`)), new Uint8Array(1000).fill(i % 251));
  appendChanges(scratch.chain, changes);
  return scratch;
}

const bytes = fc.uint8Array({ maxLength: 200 });

describe('chunks', () => {
  test('lists and entries come back as they were, and other bytes are refused or the same list', () => {
    fc.assert(
      fc.property(fc.array(bytes), (items) => {
        assert.deepEqual([...decodeList(encodeList(items))], items);
      }),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(bytes, bytes)), (entries) => {
        const chunks = [...encodeEntries(entries)].map(({ chunk }) => chunk);
        assert.deepEqual(
          chunks.flatMap((chunk) => [...decodeEntries(chunk)]),
          entries,
        );
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (junk) => {
        try {
          assert.deepEqual(
            encodeList([...decodeList(junk)]),
            junk,
            'accepted, so it is the one way to write it',
          );
        } catch (error) {
          assert.equal(errorCodeOf(error), 'SNAPSHOT_INVALID');
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('a snapshot', () => {
  test('taken while blocks go on holds the state of the block it began with, and a new chain takes it over', async () => {
    const { chain, dir, store } = largeChain();
    const begun = chain.head;
    const path = join(dir, 'one.alicesnap');
    const writing = writeSnapshot(chain, path);
    let isDone = false;
    void writing.finally(() => {
      isDone = true;
    });
    let appended = 0;
    // Every block changes what the writer has not reached yet.
    while (!isDone) {
      appendChanges(
        chain,
        new Map([[toHex(utf8.encode(`slot/${2999 - (appended % 3000)}`)), utf8.encode('new')]]),
      );
      appended++;
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.ok(appended > 1);
    const manifest = await writing;
    assert.deepEqual(manifest.header, begun.header);
    assert.ok(manifest.chunks.length > 3, 'several chunks of state and one of extrinsics');

    const target = openChain();
    const file = new SnapshotFile(path);
    const block = restoreSnapshot(target.chain, file);
    assert.equal(block.hash, begun.hash);
    assert.equal(target.chain.head.hash, begun.hash);
    assert.deepEqual(block.extrinsics, begun.extrinsics);
    assert.deepEqual(
      target.chain.headState.get(utf8.encode('slot/2999')),
      new Uint8Array(1000).fill(2999 % 251),
    );
    // Both go on to the same block, and what was restored is on disk.
    const next = new Map([[toHex(utf8.encode('slot/5')), utf8.encode('after')]]);
    const other = openChain();
    restoreSnapshot(other.chain, file);
    file.close();
    assert.equal(appendChanges(target.chain, next).hash, appendChanges(other.chain, next).hash);
    await target.store.close();
    const again = openChain(target.dir);
    assert.equal(again.chain.head.header.number, 2);
    assert.equal(again.chain.stateAt(begun.hash).get(utf8.encode('slot/5'))?.length, 1000);
    assert.throws(() => restoreSnapshot(again.chain, new SnapshotFile(path)), {
      info: { code: 'CHAIN_NOT_EMPTY', blockNumber: 2 },
    });
    for (const { store: open } of [again, other, { store }]) await open.close();
  });

  test('a file that was changed anywhere, or cut anywhere, is refused and changes nothing', async () => {
    const { chain, dir, store } = openChain();
    appendChanges(
      chain,
      new Map([
        [NOW, TIME],
        ...[1, 2, 3].map((i) => [toHex(utf8.encode(`k${i}`)), utf8.encode('v')] as const),
      ]),
    );
    const path = join(dir, 'small.alicesnap');
    await writeSnapshot(chain, path);
    const whole = readFileSync(path);
    const target = openChain();
    const attempt = (file: string): string | undefined => {
      try {
        const snapshot = new SnapshotFile(file);
        try {
          restoreSnapshot(target.chain, snapshot);
        } finally {
          snapshot.close();
        }
      } catch (error) {
        return errorCodeOf(error);
      }
      return undefined;
    };
    const copy = join(scratchDirectory(), 'copy');
    for (let at = 0; at < whole.length; at += 7) {
      const changed = Buffer.from(whole);
      changed[at]! ^= 1;
      writeFileSync(copy, changed);
      assert.match(attempt(copy) ?? 'accepted', /^SNAPSHOT_(INVALID|FOREIGN)$/, `byte ${at}`);
      writeFileSync(copy, whole);
      truncateSync(copy, at);
      assert.equal(attempt(copy), 'SNAPSHOT_INVALID', `cut at ${at}`);
      assert.equal(target.chain.head.header.number, 0);
    }
    assert.equal(attempt(path), undefined);
    await Promise.all([store.close(), target.store.close()]);
  });

  test('a manifest whose hashes fit but whose state is another is refused by its root', async () => {
    const { chain, store, dir } = openChain();
    appendChanges(chain, new Map([[NOW, TIME]]));
    const path = join(dir, 'true.alicesnap');
    await writeSnapshot(chain, path);
    const { manifest, chunk, close } = opened(path);
    const entries = [...decodeEntries(chunk(1))].map(
      ([key, value]) => [key, key.length > 20 ? value : utf8.encode('more')] as const,
    );
    const { chunk: lie } = [...encodeEntries(entries)][0]!;
    const forged = {
      ...manifest,
      chunks: [manifest.chunks[0]!, { bytes: lie.length, sha256: toHex(sha256Of(lie)) }],
    };
    assert.deepEqual(decodeManifest(encodeManifest(forged)), forged);
    const target = openChain();
    assert.throws(
      () => restoreSnapshot(target.chain, { manifest: forged, chunk: (i) => (i === 0 ? chunk(0) : lie) }),
      /state root/,
    );
    assert.equal(target.chain.head.header.number, 0);
    close();
    await Promise.all([store.close(), target.store.close()]);
  });
});

function opened(path: string) {
  const file = new SnapshotFile(path);
  return { manifest: file.manifest, chunk: file.chunk, close: () => file.close() };
}
