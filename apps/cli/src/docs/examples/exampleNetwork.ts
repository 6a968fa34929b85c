/** @file The one network that all examples share: `npm start` as the documents have it, small, with something judged and paid. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ReceiptList } from '@alice/protocol';
import { anyFreePort } from '../../process/freePort.js';
import { type AliceProcess, startAlice, until } from '../../testing/aliceProcess.js';
import { readStatus } from '../../up/statusReader.js';
import type { NetworkFacts } from './bindExample.js';

/** Seconds; receipts are proven once their epoch has been paid. */
const EPOCH_SECONDS = 15;

export interface ExampleNetwork {
  readonly run: AliceProcess;
  readonly dir: string;
  /** Waits until a receipt is paid and a version after the first is there. */
  facts(): Promise<NetworkFacts>;
  /** Its miner waits, so that the processor is free for the examples. */
  pauseMiner(): void;
  stop(): Promise<void>;
}

export async function startExampleNetwork(dir: string, data: string): Promise<ExampleNetwork> {
  const ports = ['--port', String(await anyFreePort()), '--rpc-port', String(await anyFreePort())];
  const flags = ['--miners', '1', '--epoch-seconds', String(EPOCH_SECONDS), '--data', data];
  const run = startAlice(['up', '--dir', dir, ...ports, ...flags]);
  let paused: number | undefined;
  return {
    ...{ run, dir, facts: () => readFacts(run, dir) },
    pauseMiner: () => {
      paused = runningOf(dir).pids['miner-1']!;
      process.kill(paused, 'SIGSTOP');
    },
    stop: async () => {
      if (paused !== undefined) process.kill(paused, 'SIGCONT'); // it must hear that it is to stop
      await run.stop();
    },
  };
}

interface Running {
  readonly serverPort: number;
  readonly nodePort: number;
  readonly pids: Readonly<Record<string, number>>;
}
const runningOf = (dir: string): Running =>
  JSON.parse(readFileSync(join(dir, 'running.json'), 'utf8')) as Running;

async function readFacts(run: AliceProcess, dir: string): Promise<NetworkFacts> {
  await until('the status page', { seconds: 180, run }, () => run.output().includes('status page'));
  const { serverPort, nodePort } = runningOf(dir);
  const serverUrl = `http://127.0.0.1:${serverPort}`;
  const address = (name: string): string =>
    (JSON.parse(readFileSync(join(dir, 'wallets', `${name}.json`), 'utf8')) as { address: string }).address;
  const minerAddress = address('miner-1');
  const paid = await until('a receipt of a settled epoch', { seconds: 240, run }, async () => {
    const status = await readStatus(serverUrl, 20_000);
    if (!status || status.epochs.length === 0 || (status.versions.at(-1)?.version ?? 0) < 2) return undefined;
    return (await receiptsOf(serverUrl, minerAddress)).find(
      ({ epoch, score }) => epoch !== null && score !== '0' && epoch <= status.epochs.at(-1)!.epoch,
    );
  });
  await until('all receipts of that epoch', { seconds: 240, run }, async () => {
    const answer = await fetch(`${serverUrl}/v1/epochs/${paid.epoch}/receipts/pages/0`);
    return answer.ok || undefined;
  });
  const newest = (await readStatus(serverUrl, 20_000))?.versions.at(-1)?.version;
  assert.ok(newest !== undefined);
  return {
    ...{ serverUrl, chainUrl: `http://127.0.0.1:${nodePort}`, minerAddress },
    ...{
      submissionId: paid.submissionId,
      version: newest,
      epoch: paid.epoch!,
      scorerAddress: address('scorer'),
    },
    dataDir: join(dir, 'data'),
  };
}

async function receiptsOf(serverUrl: string, miner: string): Promise<ReceiptList['receipts']> {
  const answer = await fetch(`${serverUrl}/v1/miners/${miner}/receipts`);
  return answer.ok ? ((await answer.json()) as ReceiptList).receipts : [];
}
