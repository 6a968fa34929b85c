/**
 * @file `npm run chaos -- [--network many|one|region] [--kills N] [--seed TEXT]`: the chaos run at full length; prints its
 * outcome as JSON.
 */
import { parseArgs } from 'node:util';
import { messageOf } from '@alice/protocol';
import { findPostgres } from '../postgresCluster.js';
import { findS3Server } from '../s3Server.js';
import { type ChaosNetwork, removeChaosNetworks } from './ChaosNetwork.js';
import { startManyNodes } from './manyNodes.js';
import { startOneMachine } from './oneMachine.js';
import { runChaos } from './runChaos.js';
import { startWithRegion } from './withRegion.js';

const LOOK_MS = 500;

const { values } = parseArgs({
  options: { kills: { type: 'string' }, seed: { type: 'string' }, network: { type: 'string' } },
});
const NETWORKS: Readonly<Record<string, () => Promise<ChaosNetwork>>> = {
  many: () => startManyNodes(programs()),
  one: startOneMachine,
  region: startWithRegion,
};

let isStopping = false;
function stop(why: string): void {
  if (isStopping) return;
  isStopping = true;
  process.stderr.write(`CHAOS_STOPPED: by ${why}; what it started is removed\n`);
  void removeChaosNetworks().finally(() => process.exit(1));
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop(signal));
// The shell between npm and this process hands no signal on: it just ends.
const parent = process.ppid;
setInterval(() => process.ppid !== parent && stop('the end of its parent'), LOOK_MS).unref();

try {
  const kills = Number(values.kills ?? 200);
  if (!Number.isInteger(kills) || kills < 1)
    throw new Error('OPTION_INVALID: --kills is a whole number above 0');
  const start = NETWORKS[values.network ?? 'many'];
  if (!start) throw new Error(`OPTION_INVALID: --network is one of ${Object.keys(NETWORKS).join(', ')}`);
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const summary = await runChaos({ kills, seed: values.seed ?? '1', start, say });
  process.stdout.write(`${JSON.stringify(summary, null, 2)}\n`);
} catch (error) {
  process.stderr.write(`CHAOS_FAILED: ${messageOf(error)}\n`);
  process.exitCode = 1;
}

function programs(): { postgres: string; s3: string } {
  const [postgres, s3] = [findPostgres(), findS3Server()];
  if (!postgres)
    throw new Error('POSTGRES_MISSING: install it, or set ALICE_POSTGRES_BIN to the folder of its programs');
  if (!s3) throw new Error('S3_SERVER_MISSING: set ALICE_S3_SERVER to a versitygw program');
  return { postgres, s3 };
}
