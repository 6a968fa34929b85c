/** @file A stopped server's folder gives the version the server last published, and is left as it was. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { modelLayout } from '@alice/model';
import { verifyVersion } from '@alice/protocol';
import { parametersOf, syncReplica } from '@alice/training';
import { TestClient } from '../testing/TestClient.js';
import { createTinyNetwork } from '../testing/tinyNetwork.js';
import { withPublished } from './readPublished.js';

it('reads what was published, signed and with its state root; not while the server runs', async (t) => {
  const network = await createTinyNetwork();
  t.after(() => network.remove());
  const { dir, databaseUrl, model } = network.options;
  if (databaseUrl !== undefined) return t.skip('a database elsewhere is not in the folder');
  assert.equal(await withPublished(dir, async () => 'nothing'), undefined);
  const core = await network.open();
  const miner = new TestClient(() => core, network.miner);
  const scorer = new TestClient(() => core, network.scorer, 'scorer');
  await miner.register();
  await scorer.register();
  await miner.contribute('merged');
  await scorer.scoreAll();
  const { body: published } = await miner.call('latestVersion');
  await assert.rejects(
    withPublished(dir, async () => 0),
    { info: { code: 'SERVER_DIR_LOCKED', dir } },
  );
  await core.close();

  for (let reading = 0; reading < 2; reading++)
    await withPublished(dir, async ({ latest, networkId, serverId, blob }) => {
      assert.deepEqual([latest.version, latest.stateRoot], [1, published.stateRoot]);
      assert.ok(verifyVersion(latest, networkId, serverId));
      const replica = await syncReplica(undefined, {
        ...{ layout: modelLayout(model), latest },
        manifestOf: async () => undefined,
        fetchBlob: blob,
      });
      assert.equal(replica.stateRoot, published.stateRoot);
      assert.ok(parametersOf(replica).some((weight) => weight !== 0));
    });
  const again = await network.open();
  assert.equal((await new TestClient(() => again, network.miner).call('status')).body.versions.length, 2);
  await again.close();
});
