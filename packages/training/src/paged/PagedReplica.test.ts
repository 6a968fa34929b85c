/** @file A model in a file follows the published versions, whatever interrupts it, and fetches nothing twice. */
import assert from 'node:assert/strict';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { PAGE_BYTES } from '@alice/model/node';
import { bytesOf, decodeSetDelta, errorCodeOf, layoutOf, seededRandom } from '@alice/protocol';
import type { ReplicaSource } from '../modelReplica.js';
import { publisher } from '../testing/publisher.js';
import { changedWeights } from './changedWeights.js';
import { PagedReplica } from './PagedReplica.js';
import { rewriteHalves } from './rewriteHalves.js';

/** Some pages, of which tensors begin and end within. */
const layout = layoutOf([
  ['a', [300, 500]],
  ['b', [7]],
  ['c', [200, 1000]],
]);
const CHUNK_BYTES = 2 * PAGE_BYTES;
const coded = (code: string) => (error: unknown) => errorCodeOf(error) === code;

let root = '';
let published: Awaited<ReturnType<typeof publisher>>;
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'alice-paged-'));
  published = await publisher(5, { layout, stride: 997, chunkBytes: CHUNK_BYTES });
});
after(() => rm(root, { recursive: true, force: true }));

let folders = 0;
const newDir = (): string => join(root, `${folders++}`);
const openIn = (dir: string, networkId = 'one'): Promise<PagedReplica> =>
  PagedReplica.open({ dir, layout, networkId });

/** How many blobs a synchronisation fetches. */
async function fetchedBy(work: () => Promise<unknown>): Promise<number> {
  const before = published.fetched.length;
  await work();
  return published.fetched.length - before;
}

async function assertHolds(replica: PagedReplica, version: number): Promise<void> {
  const { halves, manifest } = published.versions[version]!;
  assert.deepEqual(replica.holds, { version, stateRoot: manifest.stateRoot });
  const weights = await replica.weights();
  const random = seededRandom(`ranges ${version}`);
  for (let i = 0; i < 20; i++) {
    const offset = random.below(layout.size);
    const size = 1 + random.below(layout.size - offset);
    assert.deepEqual(await weights.read({ offset, size }), halves.slice(offset, offset + size));
  }
}

/** A source whose calls fail from the n-th on: where a process is killed. */
function failingAfter(n: number, source: ReplicaSource): ReplicaSource {
  let calls = 0;
  const fetchBlob: ReplicaSource['fetchBlob'] = (hash, part) => {
    if (calls++ >= n) throw new Error('killed');
    return source.fetchBlob(hash, part);
  };
  return { ...source, fetchBlob };
}

describe('a model in a file', () => {
  test('comes as a snapshot, goes on by deltas, and is there after a restart', async () => {
    const dir = newDir();
    const replica = await openIn(dir);
    assert.equal(replica.holds, undefined);
    await assert.rejects(replica.weights(), coded('REPLICA_EMPTY'));
    const chunks = Math.ceil((2 * layout.size) / CHUNK_BYTES);
    assert.equal(await fetchedBy(() => replica.sync(published.source(0))), chunks);
    await assertHolds(replica, 0);
    assert.equal(await fetchedBy(() => replica.sync(published.source(2))), 2);
    await assertHolds(replica, 2);
    await replica.close();
    const again = await openIn(dir);
    await assertHolds(again, 2);
    assert.equal(await fetchedBy(() => again.sync(published.source(2))), 0);
    await again.close();
  });

  test('an interrupted download goes on with the chunks that are missing', async () => {
    const dir = newDir();
    const first = await openIn(dir);
    await assert.rejects(first.sync(failingAfter(1, published.source(0))), /killed/);
    const second = await openIn(dir);
    assert.equal(second.holds, undefined);
    const chunks = Math.ceil((2 * layout.size) / CHUNK_BYTES);
    assert.equal(await fetchedBy(() => second.sync(published.source(0))), chunks - 1);
    await assertHolds(second, 0);
    await second.close();
  });

  test('a change cut off anywhere goes on with the deltas alone, to that version or a later one', async () => {
    for (const [writtenTo, latest] of [
      [0, 1],
      [1, 1],
      [2, 1],
      [1, 3],
    ] as const) {
      const dir = newDir();
      const replica = await openIn(dir);
      await replica.sync(published.source(0));
      // As after a kill: the table says that the file is being changed, and a part of it is.
      await assert.rejects(replica.sync(failingAfter(0, published.source(1))), /killed/);
      await replica.close();
      const path = join(dir, 'weights.f16');
      const torn = await readFile(path);
      const half = writtenTo === 2 ? torn.length : (writtenTo * torn.length) >> 1;
      torn.set(bytesOf(published.versions[1]!.halves).subarray(0, half));
      await writeFile(path, torn);
      const again = await openIn(dir);
      assert.equal(again.holds, undefined);
      assert.equal(await fetchedBy(() => again.sync(published.source(latest))), latest);
      await assertHolds(again, latest);
      await again.close();
    }
  });

  test('a damaged page is found where it is read and where it is changed, and healed by its chunk', async () => {
    const dir = newDir();
    const replica = await openIn(dir);
    await replica.sync(published.source(1));
    await replica.close();
    const path = join(dir, 'weights.f16');
    const bytes = await readFile(path);
    bytes[PAGE_BYTES + 5]! ^= 1;
    await writeFile(path, bytes);
    const damaged = await openIn(dir);
    const weights = await damaged.weights();
    await assert.rejects(weights.read({ offset: 0, size: layout.size }), coded('CHECKPOINT_HASH_MISMATCH'));
    const heal = () => damaged.sync(published.source(1), { fromSnapshot: true });
    assert.equal(await fetchedBy(heal), 1);
    await assertHolds(damaged, 1);
    bytes[3]! ^= 1;
    await writeFile(path, bytes);
    await damaged.sync(published.source(2)); // finds it on the way, and takes the snapshot
    await assertHolds(damaged, 2);
    await damaged.close();
  });

  test('a file cut short, a damaged table and another network count as nothing', async () => {
    const dir = newDir();
    const replica = await openIn(dir);
    await replica.sync(published.source(3));
    await replica.close();
    assert.equal((await openIn(dir, 'two')).holds, undefined);
    const path = join(dir, 'weights.f16');
    await writeFile(path, (await readFile(path)).subarray(0, 1000));
    const short = await openIn(dir);
    await assert.rejects(short.weights(), coded('WEIGHTS_FILE'));
    await short.sync(published.source(3), { fromSnapshot: true });
    await assertHolds(short, 3);
    await short.close();
    await writeFile(join(dir, 'pages.json'), 'a'.repeat(100));
    const blank = await openIn(dir);
    assert.equal(blank.holds, undefined);
    assert.equal(await fetchedBy(() => blank.sync(published.source(3))), 0);
    await assertHolds(blank, 3);
    await blank.remove();
  });

  test('a wrong root, a wrong chunk and a list of chunks of another model are refused', async () => {
    const replica = await openIn(newDir());
    const { latest, ...rest } = published.source(0);
    const wrongRoot = { ...latest, stateRoot: published.versions[1]!.manifest.stateRoot };
    await assert.rejects(replica.sync({ ...rest, latest: wrongRoot }), coded('REPLICA_ROOT_MISMATCH'));
    assert.equal(replica.holds, undefined);
    const fetchBlob = async () => new Uint8Array(CHUNK_BYTES);
    const other = await openIn(newDir());
    await assert.rejects(other.sync({ ...published.source(0), fetchBlob }), coded('REPLICA_BLOB_MISMATCH'));
    const snapshot = { ...latest.snapshot!, sizeBytes: 10 };
    await assert.rejects(
      other.sync({ ...rest, latest: { ...latest, snapshot } }),
      coded('REPLICA_SNAPSHOT_INVALID'),
    );
    await assert.rejects(
      other.sync({ ...rest, latest: { ...latest, snapshot: null } }),
      coded('REPLICA_UNAVAILABLE'),
    );
  });

  test('window by window it is written as in one, several deltas upon one another', async () => {
    const path = join(root, 'windows');
    const deltas = await Promise.all(
      [1, 2, 3].map((version) =>
        decodeSetDelta(published.blobs.get(published.versions[version]!.manifest.setDelta!.hash)!, {
          layout,
        }),
      ),
    );
    for (const windowElements of [2 ** 23, PAGE_BYTES / 2]) {
      await writeFile(path, bytesOf(published.versions[0]!.halves));
      const file = await open(path, 'r+');
      const { stateRoot } = await rewriteHalves(file, { layout, deltas, pages: undefined, windowElements });
      await file.close();
      assert.equal(stateRoot, published.versions[3]!.manifest.stateRoot);
      assert.ok((await readFile(path)).equals(bytesOf(published.versions[3]!.halves)));
    }
  });

  test('weights with a set-delta laid over them read as the next version', async () => {
    const replica = await openIn(newDir());
    await replica.sync(published.source(0));
    const { manifest, halves } = published.versions[1]!;
    const delta = await decodeSetDelta(published.blobs.get(manifest.setDelta!.hash)!, { layout });
    const weights = changedWeights(await replica.weights(), delta);
    const random = seededRandom('overlaid');
    for (let i = 0; i < 30; i++) {
      const offset = random.below(layout.size);
      const size = 1 + random.below(Math.min(5_000, layout.size - offset));
      assert.deepEqual(await weights.read({ offset, size }), halves.slice(offset, offset + size));
    }
    await assertHolds(replica, 0);
    await replica.close();
  });
});
