/**
 * @file A server whose disk is really full: what cannot be stored is refused with a code and not acknowledged, the database
 * is not written while its log could run out of room, and both go on by themselves once there is space.
 */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { ServerCore } from '../ServerCore.js';
import { makeSmallDisk } from '../testing/smallDisk.js';
import { submissionFor, TestClient } from '../testing/TestClient.js';
import { createTinyNetwork, type TinyNetwork } from '../testing/tinyNetwork.js';
import { openDatabase } from './Database.js';

const MEGABYTE = 1 << 20;
const disk = makeSmallDisk(160 * MEGABYTE);
const skip = disk.kind !== 'tmpfs' && 'needs the right to mount a small disk (root on Linux)';
after(() => disk.remove());

const isFull = { info: { code: 'DISK_FULL', retryAfterMs: 5_000 } };

describe('a full disk', { skip }, () => {
  it('lets nothing be written while the log of the database could run out of room, and lets it be read', async () => {
    const db = await openDatabase(join(disk.dir, 'alone'));
    await db.query('CREATE TABLE notes (note INT)');
    disk.fill(8 * MEGABYTE);
    const write = () => db.transaction((tx) => tx.query('INSERT INTO notes VALUES (1)'));
    await eventually(() => assert.rejects(write(), isFull)); // it looks at the disk now and then
    await assert.rejects(db.query('INSERT INTO notes VALUES (2)'), isFull);
    const known = await db.query<{ note: number }>('SELECT note FROM notes');
    await db.close();
    await assert.rejects(openDatabase(join(disk.dir, 'alone')), isFull);
    await assert.rejects(openDatabase(join(disk.dir, 'new')), isFull);
    disk.free();
    const again = await openDatabase(join(disk.dir, 'alone'));
    await again.transaction((tx) => tx.query('INSERT INTO notes VALUES (3)'));
    const notes = await again.query<{ note: number }>('SELECT note FROM notes ORDER BY note');
    assert.deepEqual(notes, [...known, { note: 3 }]);
    await again.close();
  });

  describe('under a server', () => {
    let network: TinyNetwork;
    let core: ServerCore;
    before(async () => {
      network = await createTinyNetwork({ databaseUrl: undefined }, disk.dir);
      core = await network.open();
    });
    after(async () => {
      await core?.close();
      network?.remove();
    });

    it('refuses an upload with a code and Retry-After, leaves nothing behind, and takes it later', async () => {
      const miner = await new TestClient(core, network.miner).register();
      const task = await miner.task();
      const bytes = await submissionFor(task, core.context.layout);
      disk.fill();
      const refused = await miner.submit(task, bytes);
      assert.deepEqual([refused.status, refused.body.code], [503, 'DISK_FULL']);
      assert.ok(Number(refused.headers['retry-after']) >= 5);
      disk.free();
      const left = readdirSync(join(network.options.dir, 'blobs')).filter((name) =>
        name.startsWith('incoming'),
      );
      assert.deepEqual(left, []);
      await eventually(async () => assert.equal((await miner.submit(task, bytes)).status, 202));
      const [row] = await core.context.db.query<{ n: number }>('SELECT COUNT(*) AS n FROM submissions');
      assert.equal(row!.n, 1);
    });
  });
});

/** Once it does not fail for lack of the database. */
async function eventually<T>(ask: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++)
    try {
      return await ask();
    } catch (error) {
      if (attempt >= 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
}
