/** @file What the pages work out for themselves: routes, addresses, series, sums, the emission schedule. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_SUPPLY_PLANCK, PLANCK_PER_ALICE } from '@alice/protocol';
import { chooseChainAddress } from './chain/chainAddress.js';
import { emissionSeries } from './charts/EmissionChart.js';
import { HALVING_PERIOD_MS, issuanceHistory, scheduledPlanck } from './charts/emissionSchedule.js';
import { lossRange, lossSeries } from './charts/lossSeries.js';
import { alice, bytes, duration, exactAlice, tick } from './format.js';
import { withoutReaders } from './liveStatus.js';
import { sumText } from './pages/epoch.js';
import { paidInEpochs } from './pages/miners.js';
import { versionRows } from './pages/model.js';
import { progressText } from './pages/thenAndNow.js';
import { parseRoute } from './router.js';
import { exampleStatus } from './testing/exampleStatus.js';

test('progress in words that need no explanation', () => {
  const status = exampleStatus();
  const upTo = (count: number): string =>
    progressText({ ...status, versions: status.versions.slice(0, count) }).replaceAll('\u202f', ' ');
  assert.equal(upTo(0), 'The first measurement comes within a minute.');
  assert.match(upTo(1), /^Not yet: .* all 4 096 pieces/);
  // exp(6.2) = 492.7
  assert.match(upTo(3), /^Yes\. .* all 4 096 pieces .* Now, 2 versions later, it hesitates between 493\.$/);
});

test('programs that only read the model are neither miners nor paid', () => {
  const member = {
    ...{ address: 'a2minerOne', instance: 'main', role: 'miner', device: 'cpu', lastSeenMs: 0 },
    ...{ accepted: 1, refused: 0, score: '1' },
  };
  const status = exampleStatus({
    miners: [member],
    balances: [{ address: 'a2minerOne', role: 'miner', planck: '5' }],
  });
  const reads = { ...member, instance: 'reader', device: 'cpu reads the model only' };
  const both = {
    ...status,
    miners: [...status.miners, { ...reads, address: 'a2reader' }, reads],
    balances: [...status.balances, { address: 'a2reader', role: 'miner', planck: '0' }],
  };
  assert.deepEqual(withoutReaders(both), status);
});

test('routes', () => {
  for (const empty of ['', '#', '#/', '#//'])
    assert.deepEqual(parseRoute(empty), { page: 'overview', parameters: [] });
  assert.deepEqual(parseRoute('#/explorer/block/12'), { page: 'explorer', parameters: ['block', '12'] });
  assert.deepEqual(parseRoute('#/a/%20b/%zz'), { page: 'a', parameters: [' b', '%zz'] });
});

test('the chain is where the link, the server or the host says, in this order', () => {
  const at = (search: string, config: unknown, protocol = 'http:') =>
    chooseChainAddress({ search, protocol, hostname: 'host.example' }, config);
  const config = { chainWs: 'wss://chain.example' };
  assert.deepEqual(at('?rpc=ws://10.0.0.1:9944', config), { url: 'ws://10.0.0.1:9944/', from: 'link' });
  assert.deepEqual(at('?rpc=javascript:alert(1)', config), { url: 'wss://chain.example/', from: 'server' });
  for (const none of [null, {}, { chainWs: 7 }, { chainWs: 'http://x' }])
    assert.deepEqual(at('', none), { url: 'ws://host.example:9944', from: 'default' });
  assert.equal(at('', {}, 'https:').url, 'wss://host.example:9944');
});

test('a loopback that the server names is that of the server, also for a page opened on another machine', () => {
  const config = { chainWs: 'ws://127.0.0.1:9955' };
  const seenOn = (hostname: string, protocol = 'http:') =>
    chooseChainAddress({ search: '', protocol, hostname }, config).url;
  assert.equal(seenOn('localhost'), 'ws://127.0.0.1:9955/');
  assert.equal(seenOn('[::1]'), 'ws://127.0.0.1:9955/');
  assert.equal(seenOn('192.168.1.5'), 'ws://192.168.1.5:9955/');
  assert.equal(seenOn('alice.example', 'https:'), 'wss://alice.example:9955/');
});

test('money and sizes in words', () => {
  assert.equal(alice('1234567890123456789'), '1\u202f234\u202f567.8901');
  assert.equal(exactAlice(5n), '0.000000000005 ALICE (5 planck)');
  assert.deepEqual([bytes(11), bytes(1500), bytes(2.5e6), bytes(3e9)], ['11 B', '2 kB', '2.5 MB', '3.00 GB']);
  assert.deepEqual(
    [duration(59_400), duration(61_000), duration(3_660_000), duration(-5)],
    ['59 s', '1 min 1 s', '1 h 1 min', '0 s'],
  );
  assert.deepEqual([tick(0), tick(200_000), tick(1_250_000)], ['0', '200 k', '1.25 M']);
});

test('the loss axis always holds the uniform line and all that is drawn', () => {
  const status = exampleStatus();
  const uniform = status.uniformLossNats;
  const [x, loss, high, low, line] = lossSeries(status, 'tokens');
  assert.deepEqual(x, [0, 32_768, 65_536]);
  assert.deepEqual(loss, [8.4, 7.9, 6.2]);
  assert.deepEqual(
    high.map((h, i) => Number((h - low[i]!).toFixed(9))),
    [0.4, 0.4, 0.4],
  );
  assert.deepEqual(line, [uniform, uniform, uniform]);
  assert.equal(lossSeries(status, 'time')[0][1], 1_790_000_060);
  for (const [a, b] of [
    [3, 4],
    [9, 10],
    [null, null],
  ] as const) {
    const [bottom, top] = lossRange(uniform, a, b);
    assert.ok(bottom < Math.min(uniform, a ?? uniform) && top > Math.max(uniform, b ?? uniform));
  }
});

test('the schedule is the chain’s: yearly budgets to the planck, below the cap for ever', () => {
  const year = HALVING_PERIOD_MS / 2;
  const budgets = [5_250_000n, 5_250_000n, 2_625_000n, 2_625_000n, 1_312_500n, 1_312_500n];
  budgets.forEach((budget, i) => {
    assert.equal(
      scheduledPlanck((i + 1) * year) - scheduledPlanck(i * year),
      budget * PLANCK_PER_ALICE,
      `year ${i}`,
    );
  });
  assert.equal(scheduledPlanck(-5), 0n);
  const end = scheduledPlanck(500 * HALVING_PERIOD_MS);
  assert.ok(end < MAX_SUPPLY_PLANCK && MAX_SUPPLY_PLANCK - end < 100n);
});

test('issuance is counted back from the total of now', () => {
  const status = exampleStatus();
  assert.deepEqual(
    issuanceHistory(status).map(({ planck }) => planck / PLANCK_PER_ALICE),
    [15n, 25n],
  );
  const genesisMs = status.startedAtMs;
  const [x, schedule, issued, cap] = emissionSeries(status, { genesisMs, span: 'so far' });
  const at = x.indexOf((genesisMs + 60_000) / 1000);
  assert.equal(issued![at], 15);
  assert.ok(Math.abs(schedule![at]! - (5 + (5_250_000 * 60_000) / (HALVING_PERIOD_MS / 2))) < 1e-6);
  assert.equal(cap![0], 21_000_000);
  assert.equal((issued as (number | undefined)[]).filter((v) => v !== undefined).length, 2);
});

test('sums of payouts are exact, and a wrong one is said', () => {
  const status = exampleStatus();
  const paid = paidInEpochs(status);
  assert.equal(paid.get('a2minerOne'), 18n * PLANCK_PER_ALICE + 2n);
  assert.equal(
    [...paid.values()].reduce((a, b) => a + b, 0n),
    20n * PLANCK_PER_ALICE,
  );
  const payout = { address: 'a', role: 'training', scoreNanoNats: 1n, amountPlanck: 7n };
  assert.match(sumText([payout, payout], 14n), /exactly/);
  assert.match(sumText([payout, payout], 15n), /must never happen/);
});

test('versions are listed newest first, a page at a time', () => {
  const [newest, next] = versionRows(exampleStatus(), 0, 2);
  assert.deepEqual(
    newest!.slice(0, 4).map(({ text }) => text),
    ['2', '6.2000', '0.2000', '−1.7000'],
  );
  assert.equal(next![0]!.text, '1');
  assert.equal(versionRows(exampleStatus(), 2, 1)[0]![3]!.text, '');
});
