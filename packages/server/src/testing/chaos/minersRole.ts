/**
 * @file The miners of the chaos network as a process: each takes tasks and answers them as fast as it can, and prints
 * `acknowledged ID` the moment a submission was. Now and then one sends the same bytes again, which must not count.
 */
import { randomUUID } from 'node:crypto';
import { writeSync } from 'node:fs';
import { modelLayout } from '@alice/model';
import {
  initCrypto,
  isServerCallError,
  keyPairFromSecret,
  refusalOf,
  ServerClient,
  sleep,
} from '@alice/protocol';
import { submissionFor } from '../TestClient.js';
import { tinyModel } from '../tinyNetwork.js';
import { stderrLogger } from './stderrLogger.js';

const { url, miners, wallet } = JSON.parse(process.argv[2]!) as {
  url: string;
  miners: number;
  wallet: string;
};
const WAIT_MS = 2_000;
const REPLAY_EVERY = 4;
const device = { kind: 'cpu', name: 'chaos', threads: 1, memoryBytes: 1, software: 'chaos' } as const;

await initCrypto();
const layout = modelLayout(tinyModel);
writeSync(1, 'up\n');
await Promise.all(Array.from({ length: miners }, (_, number) => mine(number)));

async function mine(number: number): Promise<void> {
  const client = new ServerClient({
    url,
    member: {
      key: keyPairFromSecret(`//${wallet}/${number % 2}`),
      instance: `m${number}`,
      role: 'miner',
      device,
    },
    attempts: Number.POSITIVE_INFINITY,
    backoff: { firstMs: 100, longestMs: 1_000 },
  });
  for (let turn = 0; ; turn++)
    try {
      await contribute(client, turn);
    } catch (error) {
      if (!isServerCallError(error)) throw error;
      const known = error.info.code === 'SERVER_REFUSED' && error.info.detail['identical'] === true;
      // The answer to an earlier try was lost: the server says that it has these bytes.
      if (known) acknowledge(String(error.info.detail['submissionId']));
      else stderrLogger.warn('refused', { code: refusalOf(error) ?? error.info.code });
      await sleep(100);
    }
}

async function contribute(client: ServerClient, turn: number): Promise<void> {
  const { offer } = await client.nextTask(WAIT_MS);
  if (!offer) return sleep(50);
  const bytes = await submissionFor(offer, layout, { seed: randomUUID() });
  acknowledge((await client.submit(offer.taskId, bytes)).submissionId);
  if (turn % REPLAY_EVERY === 0) await client.submit(offer.taskId, bytes);
}

function acknowledge(submissionId: string): void {
  writeSync(1, `acknowledged ${submissionId}\n`);
}
