/** @file The object store against a real S3 server program (versitygw), which ALICE_S3_SERVER names. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { TestClient } from '../testing/TestClient.js';
import { createTinyNetwork } from '../testing/tinyNetwork.js';
import { contentHash } from './BlobStore.js';
import { openBlobStore } from './blobLocation.js';

const program = process.env['ALICE_S3_SERVER'];
const skip =
  program === undefined
    ? 'set ALICE_S3_SERVER to a versitygw program (go install github.com/versity/versitygw/cmd/versitygw@latest)'
    : false;

describe('blobs in an object store', { skip }, () => {
  let dir: string;
  let server: ChildProcess;
  let location: string;

  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'alice-s3-'));
    mkdirSync(join(dir, 'objects', 'alice'), { recursive: true });
    process.env['AWS_ACCESS_KEY_ID'] = 'alice-test';
    process.env['AWS_SECRET_ACCESS_KEY'] = 'not-a-secret';
    const port = await freePort();
    const keys = { ROOT_ACCESS_KEY: 'alice-test', ROOT_SECRET_KEY: 'not-a-secret' };
    const words = [
      '--port',
      `127.0.0.1:${port}`,
      'posix',
      '--sidecar',
      join(dir, 'sidecar'),
      join(dir, 'objects'),
    ];
    mkdirSync(join(dir, 'sidecar'));
    server = spawn(program!, words, { env: { ...process.env, ...keys }, stdio: 'ignore' });
    location = `s3://alice/blobs/a?endpoint=http://127.0.0.1:${port}`;
    const store = openBlobStore(location);
    while (
      !(await store.list().then(
        () => true,
        () => false,
      ))
    )
      await new Promise((r) => setTimeout(r, 50));
  });
  after(async () => {
    const gone = new Promise((resolve) => server?.once('exit', resolve));
    server?.kill('SIGKILL');
    await gone;
    rmSync(dir, { recursive: true, force: true });
  });

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
  });

  it('recognises damage and wrong keys', async () => {
    const store = openBlobStore(location);
    const { hash } = await store.put(Uint8Array.of(1, 2, 3));
    writeFileSync(join(dir, 'objects', 'alice', 'blobs', 'a', hash.slice(2)), 'abc');
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

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = createServer();
    socket.once('error', reject);
    socket.listen(0, '127.0.0.1', () => {
      const { port } = socket.address() as { port: number };
      socket.close(() => resolve(port));
    });
  });
}
