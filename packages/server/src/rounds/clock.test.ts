/** @file The server's clock jumps by hours, ahead and back: whoever works goes on, and nothing waits for a time to come again. */
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import type { ServerCore } from '../ServerCore.js';
import { TestClient } from '../testing/TestClient.js';
import { createTinyNetwork, type TinyNetwork } from '../testing/tinyNetwork.js';

const HOURS = 5 * 3_600_000;
let network: TinyNetwork;
let core: ServerCore;

before(async () => {
  network = await createTinyNetwork();
  core = await network.open();
});
after(async () => {
  await core.close();
  network.remove();
});

const epochs = async (): Promise<number> =>
  (await core.context.db.query<{ n: number }>('SELECT COUNT(*) AS n FROM epochs'))[0]!.n;
const current = async (): Promise<number> =>
  (await new TestClient(core, network.miner).call('latestVersion')).body.version;

it('goes on after a jump ahead: what was open expires, tokens are renewed, and the round comes to its end', async () => {
  const miner = await new TestClient(core, network.miner).register();
  const scorer = await new TestClient(core, network.scorer, 'scorer').register();
  const open = await miner.task();
  network.clock.nowMs += HOURS;
  assert.equal((await miner.call('task', { body: {} })).body.code, 'TOKEN_INVALID');
  await core.coordinator.step();
  await miner.register();
  await scorer.register();
  const fresh = await miner.task();
  assert.notEqual(fresh.taskId, open.taskId);
  await miner.answerTask(fresh, 'ahead');
  await scorer.scoreAll();
  assert.equal(await current(), 1);
});

it('goes on after its clock was set back: nobody waits for tasks, leases and settlements of the future', async (t) => {
  if (core.context.db.shared) return t.skip('a node alone does not judge the clocks of others');
  const miner = await new TestClient(core, network.miner).register();
  await core.stepEpoch();
  assert.equal(await epochs(), 1);
  const gone = await new TestClient(core, network.otherMiner).register();
  const scorer = await new TestClient(core, network.scorer, 'scorer').register();
  await gone.task(); // never answered: the round would wait for it
  await miner.contribute('before the jump');
  await core.coordinator.step();
  assert.ok(await scorer.job(), 'leased, and its scorer dies');
  network.clock.nowMs -= HOURS;
  await scorer.scoreAll();
  assert.equal(await current(), 2, 'judged and merged without waiting');
  await core.stepEpoch();
  assert.equal(await epochs(), 2, 'the next epoch is due');
  await miner.contribute('after the jump');
  await scorer.scoreAll();
  assert.equal(await current(), 3);
});
