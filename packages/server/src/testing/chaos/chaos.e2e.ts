/**
 * @file Short chaos runs of many nodes and of one machine: every process killed once or twice, and each fault in between. `npm run chaos`
 * has the long ones.
 */
import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { findPostgres } from '../postgresCluster.js';
import { findS3Server } from '../s3Server.js';
import type { ChaosNetwork } from './ChaosNetwork.js';
import { startManyNodes } from './manyNodes.js';
import { startOneMachine } from './oneMachine.js';
import { runChaos } from './runChaos.js';

const KILLS = { many: 12, one: 9 };
const [postgres, s3] = [findPostgres(), findS3Server()];
const skip = !(postgres && s3) && 'needs PostgreSQL, and ALICE_S3_SERVER with a versitygw program';

async function disturbed(t: TestContext, kills: number, start: () => Promise<ChaosNetwork>) {
  const summary = await runChaos({
    kills,
    seed: 'a', // draws the disk among the first faults
    start,
    say: (line) => t.diagnostic(line),
  });
  t.diagnostic(JSON.stringify(summary));
  assert.deepEqual(summary.failures, [], 'every refusal has a code');
  assert.ok(summary.acknowledged > 0);
  assert.equal(
    Object.values(summary.kills).reduce((sum, n) => sum + n, 0),
    kills,
  );
  return summary;
}

it('judges and settles everything exactly once, whatever is killed', { skip }, async (t) => {
  await disturbed(t, KILLS.many, () => startManyNodes({ postgres: postgres!, s3: s3! }));
});

it('does so on one machine, whose disk is full now and then', async (t) => {
  const { faults } = await disturbed(t, KILLS.one, startOneMachine);
  assert.ok(
    Object.keys(faults).some((name) => name.startsWith('disk')),
    Object.keys(faults).join(),
  );
});
