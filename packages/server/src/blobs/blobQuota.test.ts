/** @file The byte quota: the oldest goes first and only as much as needed; what is unpaid or still needed never goes. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { loadBlobUse } from '../state/blobUse.js';
import { TestClient } from '../testing/TestClient.js';
import { createTinyNetwork } from '../testing/tinyNetwork.js';

it('prunes the oldest for the quota, keeps what is unpaid or needed, and raises an alarm when that is too much', async () => {
  const network = await createTinyNetwork({ limits: { snapshotsKept: 2, mastersKept: 2 } });
  const core = await network.open();
  const miner = await new TestClient(core, network.miner).register();
  const scorer = await new TestClient(core, network.scorer, 'scorer').register();
  const setQuota = (blobQuotaBytes: number): void => {
    (core.context.options as { blobQuotaBytes?: number }).blobQuotaBytes = blobQuotaBytes;
  };
  const rounds = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      await miner.contribute(`round ${round++}`);
      await scorer.scoreAll();
    }
  };
  let round = 0;
  const settle = async (): Promise<void> => {
    network.clock.nowMs += network.options.epochMs;
    await core.stepEpoch();
  };
  const onDisk = async (): Promise<number> => {
    const { blobs } = core.context;
    const sizes = await Promise.all((await blobs.list()).map((hash) => blobs.sizeBytes(hash)));
    return sizes.reduce<number>((sum, size) => sum + size!, 0);
  };
  /** Versions whose set-delta is there, and those whose submission is. */
  const kept = async (): Promise<[deltas: number[], submissions: number[]]> => {
    const versionsOf = async (sql: string): Promise<number[]> =>
      (await core.context.db.query<{ version: number }>(`${sql} ORDER BY version`)).map(
        ({ version }) => version,
      );
    return [
      await versionsOf('SELECT version FROM versions WHERE set_delta IS NOT NULL'),
      await versionsOf('SELECT version FROM submissions WHERE blob_kept'),
    ];
  };
  const alarms = async (): Promise<string[]> =>
    (await miner.call('status')).body.alarms.map(({ code }: { code: string }) => code);

  try {
    await rounds(5);
    await settle();
    assert.deepEqual(await kept(), [
      [1, 2, 3, 4, 5],
      [0, 1, 2, 3, 4],
    ]);
    assert.equal(await loadBlobUse(core.context.db), undefined, 'nothing is counted without a quota');

    const quotaBytes = await onDisk();
    setQuota(quotaBytes);
    await rounds(1);
    const use = (await loadBlobUse(core.context.db))!;
    assert.equal(use.usedBytes, await onDisk(), 'every blob that is there is counted');
    assert.ok(use.usedBytes <= quotaBytes);
    assert.deepEqual(
      await kept(),
      [
        [2, 3, 4, 5, 6],
        [2, 3, 4, 5],
      ],
      'no more than needed, the oldest first',
    );
    assert.deepEqual(await alarms(), []);

    setQuota(1);
    await rounds(3);
    assert.deepEqual(
      await kept(),
      [
        [7, 8, 9],
        [5, 6, 7, 8],
      ],
      'of the paid ones none; what is not paid stays, and all of the last three versions',
    );
    assert.deepEqual(await alarms(), ['BLOB_QUOTA_EXCEEDED']);
    const { body: metrics } = await core.app.inject({ url: '/metrics' });
    assert.ok(metrics.includes(`alice_blob_bytes{kind="used"} ${await onDisk()}\n`));

    await settle();
    await rounds(1);
    assert.deepEqual(await kept(), [
      [8, 9, 10],
      [8, 9],
    ]);
    const { body: latest } = await miner.call('latestVersion');
    for (const { hash } of [...latest.snapshot.chunks, latest.setDelta])
      assert.equal((await miner.call('blob', { params: { hash } })).status, 200);

    setQuota(1e9);
    await rounds(1);
    assert.deepEqual(await alarms(), [], 'a larger quota ends the alarm');
  } finally {
    await core.close();
    network.remove();
  }
});
