import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { errorCodeOf, layoutOf } from '@alice/protocol';
import { publishHalves } from './aggregation/publishHalves.js';
import { type ModelReplica, parametersOf, type ReplicaSource, syncReplica } from './modelReplica.js';
import { publisher } from './testing/publisher.js';

const layout = layoutOf([
  ['a', [30, 20]],
  ['b', [11]],
]);

describe('replica, SPEC WIRE-3', () => {
  test('whoever fetches is told what came before and what comes in all', async () => {
    const { versions, blobs, source, replicaAt } = await publisher(5, { layout });
    const parts: [before: number, total: number, bytes: number][] = [];
    const fetchBlob: ReplicaSource['fetchBlob'] = async (hash, { beforeBytes, totalBytes }) => {
      const bytes = blobs.get(hash)!;
      parts.push([beforeBytes, totalBytes, bytes.length]);
      return bytes;
    };
    const told = async (from: number | undefined): Promise<number> => {
      parts.length = 0;
      await syncReplica(from === undefined ? undefined : replicaAt(from), source(4, { fetchBlob }));
      let sum = 0;
      for (const [before, total, bytes] of parts) {
        assert.equal(before, sum);
        sum += bytes;
        assert.equal(total, parts[0]![1]);
      }
      assert.equal(sum, parts[0]![1], 'the total is what was fetched');
      return parts.length;
    };
    assert.equal(await told(1), 3);
    assert.equal(await told(undefined), versions[4]!.manifest.snapshot!.chunks.length);
  });

  test('a newcomer assembles the snapshot and has the published bits', async () => {
    const { versions, source, fetched } = await publisher(3, { layout });
    const replica = await syncReplica(undefined, source(2));
    assert.deepEqual(replica.halves, versions[2]!.halves);
    assert.equal(replica.version, 2);
    assert.equal(fetched.length, versions[2]!.manifest.snapshot!.chunks.length);
    assert.equal(parametersOf(replica).length, layout.size);
    assert.deepEqual(publishHalves(parametersOf(replica)), replica.halves, 'FP32 and back is exact');
  });

  test('a replica follows by deltas alone, over several versions, and the old copy stays as it was', async () => {
    const { versions, source, fetched, replicaAt } = await publisher(5, { layout });
    const old = replicaAt(1);
    const replica = await syncReplica(old, source(4));
    assert.deepEqual(replica, {
      version: 4,
      stateRoot: versions[4]!.manifest.stateRoot,
      halves: versions[4]!.halves,
    });
    assert.deepEqual(
      fetched,
      [2, 3, 4].map((v) => versions[v]!.manifest.setDelta!.hash),
    );
    assert.deepEqual(old, replicaAt(1));
    fetched.length = 0;
    assert.equal(await syncReplica(replica, source(4)), replica);
    assert.deepEqual(fetched, []);
  });

  test('a gap in the chain, another branch or an older latest take the snapshot', async () => {
    const { versions, source, fetched, replicaAt } = await publisher(4, { layout });
    const cases: Record<string, [ModelReplica, ReplicaSource]> = {
      'manifest gone': [replicaAt(0), source(3, { manifestOf: async () => undefined })],
      'delta pruned': [replicaAt(2), source(3, { latest: { ...versions[3]!.manifest, setDelta: null } })],
      'another branch': [{ ...replicaAt(2), stateRoot: replicaAt(1).stateRoot }, source(3)],
      'latest went back': [replicaAt(3), source(1)],
    };
    for (const [name, [replica, from]] of Object.entries(cases)) {
      fetched.length = 0;
      assert.deepEqual(
        (await syncReplica(replica, from)).halves,
        versions[from.latest.version]!.halves,
        name,
      );
      assert.equal(fetched.length, from.latest.snapshot!.chunks.length, name);
    }
  });

  test('a copy damaged on disk is noticed by the root and healed by the snapshot', async () => {
    const { versions, source, replicaAt } = await publisher(3, { layout });
    const damaged = replicaAt(1);
    damaged.halves[5]! ^= 1;
    assert.deepEqual((await syncReplica(damaged, source(2))).halves, versions[2]!.halves);
    const withoutSnapshot = source(2, { latest: { ...versions[2]!.manifest, snapshot: null } });
    await assert.rejects(
      syncReplica(damaged, withoutSnapshot),
      (e) => errorCodeOf(e) === 'REPLICA_ROOT_MISMATCH',
    );
  });

  test('wrong bytes never become a replica', async () => {
    const { versions, source, replicaAt, blobs } = await publisher(3, { layout });
    const other = `0x${'11'.repeat(32)}`;
    const lying = source(2, { latest: { ...versions[2]!.manifest, stateRoot: other } });
    await assert.rejects(syncReplica(undefined, lying), (e) => errorCodeOf(e) === 'REPLICA_ROOT_MISMATCH');
    const flip = source(2, {
      fetchBlob: async (hash) => blobs.get(hash)!.map((byte, i) => (i === 9 ? byte ^ 1 : byte)),
    });
    await assert.rejects(syncReplica(undefined, flip), (e) => errorCodeOf(e) === 'WIRE_CHUNK_HASH');
    const noSnapshot = { ...versions[2]!.manifest, snapshot: null };
    await assert.rejects(
      syncReplica(replicaAt(1), { ...flip, latest: noSnapshot }),
      (e) => errorCodeOf(e) === 'REPLICA_BLOB_MISMATCH',
    );
    await assert.rejects(
      syncReplica(undefined, { ...flip, latest: noSnapshot }),
      (e) => errorCodeOf(e) === 'REPLICA_UNAVAILABLE',
    );
  });

  test('a failing connection is passed on, not taken for damage', async () => {
    const { source, replicaAt } = await publisher(2, { layout });
    const offline = source(1, {
      fetchBlob: async () => {
        throw new Error('connection reset');
      },
    });
    await assert.rejects(syncReplica(replicaAt(0), offline), /connection reset/);
  });
});
