/**
 * @file Whole networks as a newcomer runs them: `alice up` in a process of its own, watched from outside through HTTP,
 * the chain's RPC and a real browser. First a default run of two epochs; then one in which every process is killed.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { formatAlice, type NetworkStatus } from '@alice/protocol';
import { ApiPromise, WsProvider } from '@polkadot/api';
import { isAlive } from './process/isAlive.js';
import { readPage, SKIP_BROWSER } from './testing/readPage.js';
import { talkInPage } from './testing/talkInPage.js';
import type { RunReport } from './up/report.js';
import { readStatus } from './up/statusReader.js';

const root = mkdtempSync(join(tmpdir(), 'alice-e2e-'));
after(() => rmSync(root, { recursive: true, force: true }));
const entry = fileURLToPath(new URL('./main.js', import.meta.url));

interface Run {
  readonly process: ChildProcess;
  readonly closed: Promise<number | null>;
  output(): string;
}

function alice(...args: string[]): Run {
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
async function until<T>(
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

interface Running {
  serverPort: number;
  nodePort: number;
  pids: Record<string, number>;
}
const running = (dir: string): Running =>
  JSON.parse(readFileSync(join(dir, 'running.json'), 'utf8')) as Running;
const statusOf = (dir: string): Promise<NetworkStatus | undefined> =>
  readStatus(`http://127.0.0.1:${running(dir).serverPort}`, 20_000);
const known = (s: NetworkStatus): number =>
  s.submissions.accepted +
  s.submissions.queued +
  Object.values(s.submissions.refused).reduce((a, b) => a + b, 0);

function assertMoney(report: RunReport): void {
  let issued = BigInt(report.genesisIssuancePlanck);
  for (const epoch of report.epochs) {
    const paid = epoch.payouts.reduce((sum, p) => sum + BigInt(p.amountPlanck), 0n);
    assert.equal(paid, BigInt(epoch.mintedPlanck), `epoch ${epoch.epoch}: sum of payouts = minted`);
    assert.ok(paid > 0n, `epoch ${epoch.epoch} minted something`);
    issued += paid;
  }
  assert.equal(issued.toString(), report.totalIssuancePlanck, 'total issuance = genesis + sum of epochs');
}

test('a default network trains, settles two epochs and pays', async (t) => {
  const dir = join(root, 'default');
  const reportPath = join(root, 'report.json');
  const run = alice('up', '--epochs', '2', '--dir', dir, '--report', reportPath);
  t.after(() => run.process.kill('SIGKILL'));
  await until(
    'the status page',
    { seconds: 120, run },
    () => run.output().includes('status page') || run.process.exitCode !== null,
  );
  assert.equal(run.process.exitCode, null, run.output());

  const status = await until('a settled epoch', { seconds: 180, run }, async () => {
    const s = await statusOf(dir);
    return s && s.epochs.length > 0 && s.versions.length > 2 ? s : undefined;
  });
  await t.test(
    'every number of money on the page agrees with the chain',
    { skip: SKIP_BROWSER },
    async () => {
      await checkPage(dir, status);
    },
  );
  await t.test('the page talks to the newest version', { skip: SKIP_BROWSER }, async () => {
    const page = `http://127.0.0.1:${running(dir).serverPort}/`;
    const { answer, note, pieces } = await talkInPage(page, 'What did the captain say?');
    const version = Number(/^version (\d+), \d+ tokens/.exec(note)?.[1]);
    assert.ok(version >= status.versions.at(-1)!.version, `${note}; published: ${status.versions.length}`);
    assert.ok(answer.length > 0 && pieces > 4, `${pieces} pieces of "${answer}"`);
  });
  await t.test('@polkadot/api reads the balances', async () => {
    await checkPolkadotApi(dir, status);
  });
  const wallets = alice('wallet', 'list', '--dir', dir, '--json');
  assert.equal(await wallets.closed, 0, wallets.output());
  const names = (JSON.parse(wallets.output()) as { name: string }[]).map((w) => w.name);
  assert.deepEqual(names, ['miner-1', 'miner-2', 'scorer', 'server']);
  const sent = alice('wallet', 'transfer', '0.25', 'miner-2', '--from', 'miner-1', '--dir', dir, '--json');
  assert.equal(await sent.closed, 0, sent.output());

  assert.equal(await run.closed, 0, run.output());
  const report = JSON.parse(readFileSync(reportPath, 'utf8')) as RunReport;
  assert.ok(report.epochs.length >= 2);
  assertMoney(report);
  const first = report.versions[0]!;
  const last = report.versions.filter((v) => v.heldOutLossNats !== null).at(-1)!;
  assert.ok(Math.abs(first.heldOutLossNats! - report.uniformLossNats) < 0.2, 'random weights know nothing');
  assert.ok(
    last.heldOutLossNats! < first.heldOutLossNats! - 0.8,
    `loss fell: ${first.heldOutLossNats} → ${last.heldOutLossNats}`,
  );
  assert.ok(report.submissions.accepted >= 4);
  for (const role of ['training', 'scoring', 'infrastructure'])
    assert.ok(
      report.epochs.some((e) => e.payouts.some((p) => p.role.toLowerCase() === role)),
      `somebody was paid for ${role}`,
    );
});

async function checkPage(dir: string, before: NetworkStatus): Promise<void> {
  const page = await readPage(`http://127.0.0.1:${running(dir).serverPort}/`, join(root, 'status-page.png'));
  const after = (await statusOf(dir))!;
  assert.deepEqual(page.errors, [], 'no error and no outside request in the browser');
  assert.match(page.text, /nats under uniform guessing/);
  const shown = page.titles.find((title) => title.includes('planck') && title.includes('ALICE'));
  assert.ok(shown, 'the page shows exact amounts');
  for (const { planck } of before.balances) {
    const current = new Set([planck, ...after.balances.map((b) => b.planck)]);
    assert.ok(
      [...current].some((p) => page.titles.includes(`${formatAlice(BigInt(p))} ALICE (${p} planck)`)),
      `balance ${planck} is on the page`,
    );
  }
}

async function checkPolkadotApi(dir: string, status: NetworkStatus): Promise<void> {
  const api = await ApiPromise.create({
    provider: new WsProvider(`ws://127.0.0.1:${running(dir).nodePort}`) as never,
    noInitWarn: true,
  });
  try {
    assert.equal(api.registry.chainSS58, 300);
    const { address } = status.balances.find((b) => b.role === 'miner')!;
    const account = (await api.query['system']!['account']!(address)) as unknown as {
      data: { free: { toBigInt(): bigint } };
    };
    assert.ok(account.data.free.toBigInt() > 0n, 'a miner was paid');
  } finally {
    await api.disconnect();
  }
}

test('any process may be killed at any moment', async (t) => {
  const dir = join(root, 'killed');
  const texts = join(root, 'texts');
  writeTexts(texts);
  const args = ['up', '--data', texts, '--dir', dir, '--epoch-seconds', '15'];
  let run = alice(...args);
  t.after(() => run.process.kill('SIGKILL'));
  const accepted = async (): Promise<number> => (await statusOf(dir))?.submissions.accepted ?? -1;
  await until(
    'an accepted submission',
    { seconds: 180, run },
    async () => run.output().includes('status page') && (await accepted()) > 0,
  );
  let seen = known((await statusOf(dir))!);

  for (const names of [
    ['miner-1', 'scorer'],
    ['server', 'node'],
  ]) {
    const before = running(dir).pids;
    for (const name of names) process.kill(before[name]!, 'SIGKILL');
    const killed = names.join(' and ');
    await until(`${killed} to be restarted`, { seconds: 60, run }, () =>
      names.every((name) => ![undefined, before[name]].includes(running(dir).pids[name])),
    );
    const s = await until(`the server after killing ${killed}`, { seconds: 60, run }, () => statusOf(dir));
    assert.ok(known(s) >= seen, `no acknowledged submission is lost when ${killed} die`);
    const target = s.submissions.accepted + 2;
    await until(
      `work to go on after killing ${killed}`,
      { seconds: 120, run },
      async () => (await accepted()) >= target,
    );
    seen = known((await statusOf(dir))!);
  }

  const pids = Object.values(running(dir).pids);
  run.process.kill('SIGKILL');
  await run.closed;
  rmSync(texts, { recursive: true }); // the shards are made: the text is not needed again
  const reportPath = join(root, 'killed.json');
  run = alice('up', '--dir', dir, '--epochs', '1', '--report', reportPath);
  await until('the children of a killed supervisor to stop', { seconds: 30 }, () =>
    pids.every((pid) => !isAlive(pid)),
  );
  assert.equal(await run.closed, 0, run.output());
  const report = JSON.parse(readFileSync(reportPath, 'utf8')) as RunReport;
  assertMoney(report);
  const all =
    report.submissions.accepted + Object.values(report.submissions.refused).reduce((a, b) => a + b, 0);
  assert.ok(all >= seen, 'no acknowledged submission is lost when everything dies');
});

/** A folder of text the project has never seen: made-up sentences from a small grammar, names with spaces and accents. */
function writeTexts(folder: string): void {
  mkdirSync(join(folder, 'zwei'), { recursive: true });
  const words =
    'the a red old river mountain city keeps finds under over near bright quiet été straße 東京 moves seven eleven glass paper wind answers slowly never'.split(
      ' ',
    );
  let state = 7;
  const next = (n: number): number => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * n);
  };
  for (const name of ['un été.txt', 'zwei/Straße 2.txt', 'plain.txt']) {
    const lines = Array.from(
      { length: 9000 },
      () => `${Array.from({ length: 4 + next(9) }, () => words[next(words.length)]).join(' ')}.`,
    );
    writeFileSync(
      join(folder, name),
      lines.map((line, i) => (i % 12 === 11 ? `${line}\n` : line)).join('\n'),
    );
  }
}
