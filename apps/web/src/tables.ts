/** @file The tables of the page, each a pure function of the status. */
import type { NetworkStatus } from '@alice/protocol';
import { byId, type Cell, fillTable } from './dom.js';
import { alice, count, duration, exactAlice, scoreNats, shortAddress } from './format.js';

const LAST_EPOCHS = 12;

export function showTables(status: NetworkStatus): void {
  const names = nameAddresses(status);
  showMiners(status, names);
  showSubmissions(status);
  showEpochs(status, names);
  showBalances(status, names);
}

/** "miner a2xV…Q3kf" is hard to follow across tables, so each address also gets its role and a number. */
function nameAddresses(status: NetworkStatus): Map<string, string> {
  const counters = new Map<string, number>();
  const names = new Map<string, string>();
  for (const { address, role } of [...status.balances].sort((a, b) => (a.address < b.address ? -1 : 1))) {
    if (names.has(address)) continue;
    const n = (counters.get(role) ?? 0) + 1;
    counters.set(role, n);
    names.set(address, role === 'miner' ? `miner ${n}` : role);
  }
  return names;
}

const who = (names: Map<string, string>, address: string): Cell => ({
  text: `${names.get(address) ?? 'account'} · ${shortAddress(address)}`,
  title: address,
});

function showMiners(status: NetworkStatus, names: Map<string, string>): void {
  const rows = status.miners.map((m) => [
    who(names, m.address),
    { text: m.device },
    { text: count(m.accepted), number: true },
    { text: count(m.refused), number: true },
    {
      text: m.role === 'scorer' ? '–' : scoreNats(m.score),
      number: true,
      title: 'sum of verified scores, nats',
    },
    { text: `${duration(Math.max(0, status.serverTimeMs - m.lastSeenMs))} ago`, number: true },
  ]);
  fillTable(
    byId('miners'),
    ['who', 'device', 'accepted', 'refused', 'score', 'last seen'],
    rows,
    'nobody has registered yet',
  );
}

function showSubmissions(status: NetworkStatus): void {
  const refused = Object.entries(status.submissions.refused).sort(([, a], [, b]) => b - a);
  const requests = Object.entries(status.refusedRequests).sort(([, a], [, b]) => b - a);
  const row = (text: string, n: number): Cell[] => [{ text }, { text: count(n), number: true }];
  const rows = [
    row('accepted', status.submissions.accepted),
    row('waiting for the scorer', status.submissions.queued),
    ...refused.map(([code, n]) => row(`refused: ${code}`, n)),
    ...requests.map(([code, n]) => row(`request refused: ${code}`, n)),
    row('rounds applied', status.rounds.applied),
    row('rounds rolled back', status.rounds.rolledBack),
  ];
  fillTable(byId('submissions'), ['outcome', 'count'], rows, '');
}

function showEpochs(status: NetworkStatus, names: Map<string, string>): void {
  const rows = status.epochs
    .slice(-LAST_EPOCHS)
    .reverse()
    .map((e) => [
      { text: String(e.epoch) },
      { text: duration(e.endedAtMs - e.startedAtMs), number: true },
      { text: alice(e.mintedPlanck), title: exactAlice(e.mintedPlanck), number: true },
      {
        text: e.payouts
          .map((p) => `${names.get(p.address) ?? shortAddress(p.address)} ${alice(p.amountPlanck)}`)
          .join(' · '),
        title: e.payouts.map((p) => `${p.address} ${exactAlice(p.amountPlanck)}`).join('\n'),
      },
    ]);
  fillTable(
    byId('epochs'),
    ['epoch', 'length', 'minted ALICE', 'paid to'],
    rows,
    'the first epoch settles within a few minutes',
  );
}

function showBalances(status: NetworkStatus, names: Map<string, string>): void {
  const rows = status.balances.map((b) => [
    { text: names.get(b.address) ?? b.role },
    { text: b.address, code: true },
    { text: alice(b.planck), title: exactAlice(b.planck), number: true },
  ]);
  fillTable(byId('balances'), ['who', 'address', 'ALICE'], rows, 'the chain has not been read yet');
}
