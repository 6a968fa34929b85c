/** @file What a server keeps from the other users of its machine, in a new folder and in one that was made otherwise. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { backUp, restore } from './operations/backup.js';
import { makePrivateFolder } from './privateFolder.js';
import { createTinyNetwork } from './testing/tinyNetwork.js';

const hasModes = process.platform === 'win32' ? { skip: 'modes are of Unix' } : {};
const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

it('opens database, uploads and backups to nobody else', hasModes, async () => {
  const before = process.umask(0o022);
  const network = await createTinyNetwork();
  try {
    const fresh = join(network.dir, 'new', 'server');
    await (await network.open({ dir: fresh })).close();
    assert.equal(modeOf(fresh), '700');

    const old = join(network.dir, 'old');
    for (const folder of [old, join(old, 'incoming')]) mkdirSync(folder);
    await (await network.open({ dir: old })).close();
    assert.equal(modeOf(old), '755', 'whoever made it may have wanted it so');
    assert.equal(modeOf(join(old, 'incoming')), '700');
    if (existsSync(join(old, 'db'))) assert.equal(modeOf(join(old, 'db')), '700');

    const backup = join(network.dir, 'backup');
    const { databaseUrl } = network.options;
    await backUp({ dir: old, databaseUrl }, backup);
    assert.deepEqual([modeOf(backup), modeOf(join(backup, 'rows.jsonl'))], ['700', '600']);
    const restored = join(network.dir, 'restored');
    await restore({ dir: restored }, backup);
    assert.deepEqual([modeOf(restored), modeOf(join(restored, 'db'))], ['700', '700']);
  } finally {
    process.umask(before);
    network.remove();
  }
});

it('says so where no folder can be made', { skip: !existsSync('/proc/self') }, () => {
  assert.throws(() => makePrivateFolder('/proc/alice/server'), { code: 'ENOENT' });
});
