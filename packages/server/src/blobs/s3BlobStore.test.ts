/** @file The object store against a real S3 server program (versitygw), which ALICE_S3_SERVER names. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { findS3Server, type S3Server, startS3Server } from '../testing/s3Server.js';
import { TestClient } from '../testing/TestClient.js';
import { createTinyNetwork } from '../testing/tinyNetwork.js';
import { contentHash } from './BlobStore.js';
import { openBlobStore } from './blobLocation.js';
import { openS3BlobStore } from './s3BlobStore.js';

const program = findS3Server();
const skip =
  program === undefined
    ? 'set ALICE_S3_SERVER to a versitygw program (go install github.com/versity/versitygw/cmd/versitygw@latest)'
    : false;

describe('blobs in an object store', { skip }, () => {
  let server: S3Server;
  let location: string;

  before(async () => {
    server = await startS3Server(program!);
    location = `s3://alice/blobs/a?endpoint=${server.endpoint}`;
  });
  after(() => server?.remove());

  it('stores, checks, streams, lists and forgets', async () => {
    const store = openBlobStore(location);
    const bytes = Uint8Array.from({ length: 100_000 }, (_, i) => (i * i) >> 3);
    const [ref, again] = await Promise.all([store.put(bytes), store.put(bytes)]);
    assert.deepEqual(ref, { hash: contentHash(bytes), sizeBytes: 100_000 });
    assert.deepEqual(again, ref);
    assert.deepEqual(await store.get(ref.hash), bytes);
    assert.deepEqual([await store.sizeBytes(ref.hash), await store.has(ref.hash)], [100_000, true]);
    const part = Buffer.concat(await store.stream(ref.hash, { from: 10, to: 99_000 }).toArray());
    assert.deepEqual(part, Buffer.from(bytes.subarray(10, 99_001)));
    const others = await Promise.all(
      Array.from({ length: 1_005 }, (_, i) => store.put(new TextEncoder().encode(`blob ${i}`))),
    );
    const listed = await store.list();
    assert.deepEqual(listed.sort(), [ref, ...others].map(({ hash }) => hash).sort()); // more than one page
    assert.deepEqual(await store.list(Date.now() - 3_600_000), []);
    await store.delete(ref.hash);
    await store.delete(ref.hash); // twice is once
    assert.equal(await store.has(ref.hash), false);
    await assert.rejects(store.get(ref.hash), { info: { code: 'BLOB_MISSING', hash: ref.hash } });
    await assert.rejects(store.stream(ref.hash, { from: 0, to: 1 }).toArray(), {
      info: { code: 'BLOB_MISSING', hash: ref.hash },
    });
    assert.deepEqual((await store.put(new Uint8Array())).sizeBytes, 0);
    const file = join(server.objects, '..', '..', 'arrived');
    writeFileSync(file, bytes);
    await store.adopt(file, ref);
    await store.adopt(file, ref);
    assert.deepEqual(await store.get(ref.hash), bytes);
    writeFileSync(file, bytes.slice(1));
    await assert.rejects(store.adopt(file, { ...ref, hash: contentHash(Uint8Array.of(7)) }));
  });

  it('acknowledges nothing where the bucket is missing', async () => {
    const store = openBlobStore(`s3://misspelt/blobs?endpoint=${server.endpoint}`);
    const bytes = Uint8Array.of(1, 2, 3);
    const refused = { info: { code: 'BLOBS_REFUSED', reason: '404 NoSuchBucket' } };
    await assert.rejects(store.put(bytes), refused);
    const file = join(server.objects, '..', '..', 'nowhere');
    writeFileSync(file, bytes);
    await assert.rejects(store.adopt(file, { hash: contentHash(bytes), sizeBytes: 3 }), refused);
    const large = openS3BlobStore({
      ...{
        bucketUrl: `${server.endpoint}/misspelt`,
        prefix: '',
        region: 'us-east-1',
        sessionToken: undefined,
      },
      partBytes: 2,
      accessKeyId: process.env['AWS_ACCESS_KEY_ID']!,
      secretAccessKey: process.env['AWS_SECRET_ACCESS_KEY']!,
    });
    await assert.rejects(large.adopt(file, { hash: contentHash(bytes), sizeBytes: 3 }), refused);
  });

  it('takes a large file in parts, and only with the content that its name says', async () => {
    const { endpoint } = server;
    const store = openS3BlobStore({
      ...{ bucketUrl: `${endpoint}/alice`, prefix: 'parts/', region: 'us-east-1', sessionToken: undefined },
      accessKeyId: process.env['AWS_ACCESS_KEY_ID']!,
      secretAccessKey: process.env['AWS_SECRET_ACCESS_KEY']!,
      partBytes: 5 * 2 ** 20,
    });
    const bytes = new Uint8Array(12 * 2 ** 20).map((_, i) => i * (i >> 12));
    const ref = { hash: contentHash(bytes), sizeBytes: bytes.length };
    const file = join(server.objects, '..', '..', 'large');
    writeFileSync(file, bytes);
    const wrong = { ...ref, hash: contentHash(Uint8Array.of(8)) };
    await assert.rejects(store.adopt(file, wrong), {
      info: { code: 'BLOB_CORRUPT', hash: wrong.hash, actual: ref.hash },
    });
    assert.deepEqual(await store.list(), []);
    await store.adopt(file, ref);
    assert.deepEqual(await store.list(), [ref.hash]);
    assert.ok(Buffer.from(bytes).equals(await store.get(ref.hash)));
    const part = new Uint8Array(2 ** 20);
    await store.readInto(ref.hash, 7 * 2 ** 20, part);
    assert.ok(Buffer.from(bytes.subarray(7 * 2 ** 20, 8 * 2 ** 20)).equals(part));
    await assert.rejects(
      store.readInto(ref.hash, 12 * 2 ** 20 - 5, part),
      (error: { info: { code: string } }) => error.info.code === 'BLOB_CORRUPT',
    );
    await assert.rejects(store.readInto(wrong.hash, 0, part), {
      info: { code: 'BLOB_MISSING', hash: wrong.hash },
    });
  });

  it('recognises damage and wrong keys', async () => {
    const store = openBlobStore(location);
    const { hash } = await store.put(Uint8Array.of(1, 2, 3));
    writeFileSync(join(server.objects, 'blobs', 'a', hash.slice(2)), 'abc');
    await assert.rejects(
      store.get(hash),
      (error: { info: { code: string } }) => error.info.code === 'BLOB_CORRUPT',
    );
    process.env['AWS_SECRET_ACCESS_KEY'] = 'another';
    const stranger = openBlobStore(location);
    process.env['AWS_SECRET_ACCESS_KEY'] = 'not-a-secret';
    await assert.rejects(
      stranger.put(Uint8Array.of(9)),
      (error: { info: { code: string; reason: string } }) =>
        error.info.code === 'BLOBS_REFUSED' && error.info.reason.startsWith('403'),
    );
  });

  it('carries a whole contribution', async () => {
    const network = await createTinyNetwork({ blobs: location.replace('/a?', '/network?') });
    const core = await network.open();
    const miner = await new TestClient(core, network.miner).register();
    const scorer = await new TestClient(core, network.scorer, 'scorer').register();
    await miner.contribute('kept elsewhere');
    await scorer.scoreAll();
    const latest = (await miner.call('latestVersion')).body;
    assert.equal(latest.version, 1);
    const { hash, sizeBytes } = latest.snapshot.chunks[0];
    const range = await miner.call('blob', { params: { hash }, headers: { range: 'bytes=5-9' } });
    assert.deepEqual([range.status, range.bytes.length], [206, 5]);
    assert.equal((await miner.call('blob', { params: { hash } })).bytes.length, sizeBytes);
    await core.close();
    network.remove();
  });
});
