/** @file A whole network as a person runs it, for end-to-end tests: `alice up` as a process, what it says, what it reports. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { NetworkStatus } from '@alice/protocol';
import type { RunReport } from '../up/report.js';
import { readStatus } from '../up/statusReader.js';

const entry = fileURLToPath(new URL('../main.js', import.meta.url));

export interface Run {
  readonly process: ChildProcess;
  readonly closed: Promise<number | null>;
  output(): string;
}

export function alice(...args: string[]): Run {
  const child = spawn(process.execPath, ['--enable-source-maps', entry, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1' },
  });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
  return {
    process: child,
    output: () => text,
    closed: new Promise((resolve) => child.once('close', resolve)),
  };
}

/** Asks until the answer is there; fails with what it was waiting for, or as soon as the network has stopped. */
export async function until<T>(
  what: string,
  { seconds, run }: { seconds: number; run?: Run },
  ask: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<T> {
  const end = Date.now() + seconds * 1000;
  const stopped = (): boolean =>
    run !== undefined && (run.process.exitCode ?? run.process.signalCode) !== null;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    assert.ok(!stopped(), `stopped while waiting for ${what}:\n${run?.output()}`);
    assert.ok(Date.now() < end, `still waiting for ${what} after ${seconds} s:\n${run?.output() ?? ''}`);
    await sleep(250);
  }
}

export interface Running {
  serverPort: number;
  nodePort: number;
  pids: Record<string, number>;
}
export const running = (dir: string): Running =>
  JSON.parse(readFileSync(join(dir, 'running.json'), 'utf8')) as Running;
export const statusOf = (dir: string): Promise<NetworkStatus | undefined> =>
  readStatus(`http://127.0.0.1:${running(dir).serverPort}`, 20_000);
export const known = (s: NetworkStatus): number =>
  s.submissions.accepted +
  s.submissions.queued +
  Object.values(s.submissions.refused).reduce((a, b) => a + b, 0);

export function assertMoney(report: RunReport): void {
  let issued = BigInt(report.genesisIssuancePlanck);
  for (const epoch of report.epochs) {
    const paid = epoch.payouts.reduce((sum, p) => sum + BigInt(p.amountPlanck), 0n);
    assert.equal(paid, BigInt(epoch.mintedPlanck), `epoch ${epoch.epoch}: sum of payouts = minted`);
    assert.ok(paid > 0n, `epoch ${epoch.epoch} minted something`);
    issued += paid;
  }
  assert.equal(issued.toString(), report.totalIssuancePlanck, 'total issuance = genesis + sum of epochs');
}
