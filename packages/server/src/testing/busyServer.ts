/**
 * @file A server process to be killed: many devices submit and a scorer scores as fast as they can, and the id of each
 * acknowledged submission is printed the moment it is. `node busyServer.js <network folder> <life> [<database URL>]`.
 */
import { writeSync } from 'node:fs';
import { TestClient } from './TestClient.js';
import { openTinyNetwork } from './tinyNetwork.js';

const [dir, life, databaseUrl] = process.argv.slice(2) as [string, string, string?];
const network = await openTinyNetwork(dir, { databaseUrl });
network.clock.nowMs = Date.now();
const core = await network.open();
const scorer = await new TestClient(core, network.scorer, 'scorer').register();

async function mine(instance: string): Promise<void> {
  const miner = await new TestClient(core, network.miner, 'miner', instance).register();
  for (let turn = 0; ; turn++) {
    const offer = await miner.call('task', { body: { waitMs: 1_000 } });
    if (offer.status !== 200) continue;
    const submission = await miner.answerTask(offer.body, `${life}/${instance}/${turn}`);
    writeSync(1, `${submission.submissionId}\n`);
  }
}

async function score(): Promise<void> {
  for (;;) {
    network.clock.nowMs = Date.now();
    await scorer.scoreAll();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

await Promise.all([mine('a'), mine('b'), mine('c'), score()]);
