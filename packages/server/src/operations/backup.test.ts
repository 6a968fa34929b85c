/** @file A restored server is the same server: same versions, same scores, and training goes on where it was. */
import assert from 'node:assert/strict';
import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { TestClient } from '../testing/TestClient.js';
import { createTinyNetwork, type TinyNetwork } from '../testing/tinyNetwork.js';
import { backUp, restore } from './backup.js';

it('backs up, restores into an empty folder, and goes on', async () => {
  const network = await createTinyNetwork();
  let core = await network.open();
  const miner = new TestClient(() => core, network.miner);
  const scorer = new TestClient(() => core, network.scorer, 'scorer');
  await miner.register();
  await scorer.register();
  await miner.contribute('merged');
  await scorer.scoreAll();
  const { submissionId } = await miner.contribute('waiting');
  const before = (await miner.call('status')).body;
  const { dir, databaseUrl } = network.options;
  const out = join(network.dir, 'backup');
  if (databaseUrl === undefined)
    await assert.rejects(backUp({ dir }, out), { info: { code: 'SERVER_DIR_LOCKED', dir } });
  await core.close();
  const made = await backUp({ dir, databaseUrl }, out);
  assert.equal(made.latestVersion, 1);
  assert.ok(made.blobs >= 5 && made.blobsCopied === made.blobs);
  assert.equal(
    (await backUp({ dir, databaseUrl }, out)).blobsCopied,
    0,
    'a second backup copies nothing again',
  );

  assert.deepEqual(readdirSync(out).sort(), ['backup.json', 'blobs', 'rows.jsonl']);
  const [folder] = readdirSync(join(out, 'blobs'));
  const [name] = readdirSync(join(out, 'blobs', folder!));
  const path = join(out, 'blobs', folder!, name!);
  const sound = readFileSync(path);
  writeFileSync(
    path,
    sound.map((byte, i) => (i === 0 ? byte ^ 1 : byte)),
  );
  const damaged = { dir: join(network.dir, 'damaged') };
  await assert.rejects(
    restore(damaged, out),
    (error: { info: { code: string; hash: string } }) =>
      error.info.code === 'BLOB_CORRUPT' && error.info.hash === `0x${name}`,
  );
  assert.ok(!existsSync(join(damaged.dir, 'restoring')));
  writeFileSync(path, sound);

  const restored = { dir: join(network.dir, 'restored') };
  assert.equal((await restore(restored, out)).rows, made.rows);
  await assert.rejects(restore(restored, out), { info: { code: 'RESTORE_NOT_EMPTY' } });
  core = await network.open({ ...restored, databaseUrl: undefined });
  await miner.register(); // tokens are not part of a backup
  await scorer.register();
  const now = (await miner.call('status')).body;
  assert.deepEqual(
    [now.versions, now.submissions, now.rounds],
    [before.versions, before.submissions, before.rounds],
  );
  await scorer.scoreAll();
  assert.equal((await miner.submission(submissionId)).status, 'accepted');
  assert.equal((await miner.call('latestVersion')).body.version, 2);
  await core.close();

  const nowhere = { dir: join(network.dir, 'misspelt') };
  await assert.rejects(backUp(nowhere, out), { info: { code: 'BACKUP_EMPTY' } });
  assert.ok(!existsSync(nowhere.dir), 'nothing is made of a misspelt folder');
  await assert.rejects(restore({ dir: join(network.dir, 'begun') }, join(network.dir, 'nowhere')));
  assert.equal(
    (await restore({ dir: join(network.dir, 'whole') }, out)).rows,
    made.rows,
    'the backup is as it was',
  );

  appendFileSync(join(out, 'rows.jsonl'), '\n');
  await assert.rejects(restore({ dir: join(network.dir, 'other') }, out), {
    info: { code: 'BACKUP_INVALID', reason: 'rows.jsonl was changed or cut' },
  });
  network.remove();
});

it('leaves the backup of another network, and of a server that began anew, as it is', async () => {
  const [one, other] = [await createTinyNetwork(), await createTinyNetwork()];
  const stateOf = ({ options: { dir, databaseUrl } }: TinyNetwork) => ({ dir, databaseUrl });
  await (await one.open()).close();
  const out = join(one.dir, 'backup');
  await backUp(stateOf(one), out);
  const files = () => readdirSync(out, { recursive: true }).map(String).sort();
  const [before, rows] = [files(), readFileSync(join(out, 'rows.jsonl'), 'utf8')];

  const second = await other.open(); // the same chain, another secret: as after --begin-anew
  await second.close();
  const { genesis } = one.chain;
  await assert.rejects(backUp(stateOf(other), out), {
    info: { code: 'BACKUP_OF_ANOTHER', networkId: genesis, found: genesis },
  });
  const path = join(out, 'rows.jsonl');
  const foreign = `0x${'cd'.repeat(32)}`;
  writeFileSync(path, rows.replaceAll(genesis, foreign));
  await assert.rejects(backUp(stateOf(other), out), {
    info: { code: 'BACKUP_OF_ANOTHER', networkId: genesis, found: foreign },
  });
  writeFileSync(path, rows);
  assert.deepEqual(files(), before);
  await backUp(stateOf(one), out);
  await assert.rejects(restore(stateOf(other), out), { info: { code: 'RESTORE_NOT_EMPTY' } });
  one.remove();
  other.remove();
});
