/**
 * @file A whole network as a newcomer runs it: `alice up` with its defaults for two epochs, watched from outside through
 * HTTP, the chain's RPC and a real browser.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { formatAlice, type NetworkStatus } from '@alice/protocol';
import { ApiPromise, WsProvider } from '@polkadot/api';
import { readPage, SKIP_BROWSER } from './testing/readPage.js';
import { talkInPage } from './testing/talkInPage.js';
import { alice, assertMoney, running, statusOf, until } from './testing/wholeNetwork.js';
import type { RunReport } from './up/report.js';

const root = mkdtempSync(join(tmpdir(), 'alice-e2e-'));
after(() => rmSync(root, { recursive: true, force: true }));

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
