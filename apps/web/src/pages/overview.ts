/** @file The first page: is a model being trained here, does it get better, who is paid. Every number is from `/v1/status`. */
import type { NetworkStatus } from '@alice/protocol';
import { LossChart } from '../charts/LossChart.js';
import { element, hint, link, section } from '../dom.js';
import { alice, bytes, compact, count, duration, exactAlice, shortAddress } from '../format.js';
import { choice } from '../parts/choice.js';
import { newestLoss } from '../parts/newestLoss.js';
import { accountHref, type Names, nameAddresses } from '../parts/people.js';
import { refusalText } from '../parts/refusals.js';
import { type Cell, Table } from '../parts/Table.js';
import { tile } from '../parts/tile.js';
import type { View } from '../view.js';
import { thenAndNow } from './thenAndNow.js';

const LAST_EPOCHS = 8;
/** Of a large network the first page shows the largest; other pages have all. */
const PAYEES_SHOWN = 6;
const BALANCES_SHOWN = 12;

export function openOverview(): View {
  const alarms = element('section', { id: 'alarms', role: 'status', 'aria-label': 'Alarms' });
  alarms.hidden = true;
  const tiles = element('section', { id: 'tiles', 'aria-label': 'Key figures' });
  const lossHint = hint();
  const chartHost = element('div', {
    ...{ id: 'chart', class: 'chart', role: 'img', 'aria-label': 'Held-out loss' },
    'data-empty': 'nothing measured yet: the first point comes within a minute',
  });
  const chart = new LossChart(chartHost);
  const axis = choice({
    legend: 'Along the axis',
    options: [
      ['tokens', 'tokens'],
      ['time', 'time'],
    ],
    onChange: (value: 'tokens' | 'time') => chart.useAxis(value),
  });
  const story = thenAndNow();
  const tables = openTables();
  const footer = element('p', { class: 'hint wrap' });
  const node = element(
    'div',
    {},
    element('h1', { tabindex: '-1' }, 'A language model trained by strangers, from random weights'),
    element(
      'p',
      { class: 'lead' },
      'Anyone may lend a computer, from this page with one click. Each contribution is tried on text that no contributor sees: what makes the model better becomes part of it, and is paid in ALICE coins.',
    ),
    element(
      'p',
      { class: 'row' },
      link('#/mine', 'Mine in this tab', { class: 'button main' }),
      link('#/chat', 'Talk to the model', { class: 'button' }),
      link('#/model', 'See what it writes', { class: 'button' }),
    ),
    alarms,
    story.node,
    tiles,
    section('Held-out loss: how surprised the model is by text it has never seen', lossHint, axis, chartHost),
    tables.node,
    footer,
  );
  return {
    title: 'Overview',
    node,
    onStatus: (status) => {
      showAlarms(alarms, status);
      story.onStatus(status);
      tiles.replaceChildren(...keyFigures(status));
      lossHint.textContent = lossText(status);
      chart.show(status);
      tables.show(status);
      footer.textContent = `model ${status.model.name}, tokenizer ${status.model.tokenizer} · network ${status.networkId} · parameter server ${status.serverId} · up ${duration(status.serverTimeMs - status.startedAtMs)}`;
    },
    close: () => {
      story.close();
      chart.close();
    },
  };
}

function lossText({ model, uniformLossNats }: NetworkStatus): string {
  return `Lower is better, in nats per token. The dashed line is guessing among all ${count(model.vocab)} tokens (${uniformLossNats.toFixed(3)}); the band is two standard errors. One nat less means hesitating between 2.7 times fewer words.`;
}

function keyFigures(status: NetworkStatus): HTMLElement[] {
  const latest = status.versions.at(-1);
  const loss = newestLoss(status);
  const under = loss === null ? 0 : status.uniformLossNats - loss;
  const underNote = `${Math.abs(under).toFixed(2)} nats ${under >= 0 ? 'under' : 'over'} uniform guessing`;
  const refused = Object.values(status.submissions.refused).reduce((a, b) => a + b, 0);
  return [
    {
      name: 'held-out loss',
      value: loss === null ? '…' : loss.toFixed(3),
      note: loss === null ? 'not measured yet' : underNote,
      good: under > 0,
    },
    {
      name: 'model version',
      value: String(latest?.version ?? 0),
      note: `${count(status.model.parameters)} parameters`,
    },
    {
      name: 'tokens trained on',
      value: compact(latest?.trainedTokens ?? 0),
      note: `${bytes(latest?.uplinkBytes ?? 0)} of updates sent`,
    },
    {
      name: 'submissions',
      value: count(status.submissions.accepted),
      note: `accepted; ${count(refused)} refused, ${count(status.submissions.queued)} waiting`,
    },
    {
      name: 'rounds applied',
      value: count(status.rounds.applied),
      note: `${count(status.rounds.rolledBack)} rolled back`,
    },
    {
      name: 'epochs settled',
      value: count((status.epochs.at(-1)?.epoch ?? -1) + 1),
      note: status.chain.reachable ? `block ${count(status.chain.height)}` : 'the chain does not answer',
    },
    {
      name: 'ALICE issued',
      value: alice(status.totalIssuancePlanck, 2),
      note: 'of at most 21\u202f000\u202f000',
      title: exactAlice(status.totalIssuancePlanck),
    },
  ].map(tile);
}

function showAlarms(box: HTMLElement, status: NetworkStatus): void {
  const lines = status.alarms.map(
    ({ code, message, sinceMs }) => `${code}: ${message} (for ${duration(status.serverTimeMs - sinceMs)})`,
  );
  box.hidden = lines.length === 0;
  if (box.dataset['codes'] === status.alarms.map((a) => a.code).join()) return; // not read out again each second
  box.dataset['codes'] = status.alarms.map((a) => a.code).join();
  box.replaceChildren(...lines.map((line) => element('p', {}, line)));
}

/** The tables below the chart. */
function openTables(): { node: HTMLElement; show(status: NetworkStatus): void } {
  const outcomes = new Table({
    label: 'Submissions and rounds',
    columns: ['outcome', '#count'],
    empty: '',
  });
  const devices = new Table({
    label: 'Miners by device',
    columns: ['device', '#miners', '#working now', '#accepted'],
    empty: 'nobody has registered yet',
  });
  const epochs = new Table({
    label: 'Latest epochs',
    columns: ['epoch', '#length', '#minted ALICE', 'paid to'],
    empty: 'the first epoch settles within a few minutes',
  });
  const balances = new Table({
    label: 'Balances on the chain',
    columns: ['who', '#ALICE', 'address'],
    empty: 'the chain has not been read yet',
  });
  const node = element(
    'div',
    {},
    element(
      'div',
      { class: 'columns' },
      section('Miners by device', devices.node, hint(link('#/miners', 'All miners'))),
      section('Submissions and rounds', outcomes.node),
    ),
    section(
      'Latest epochs: what the chain minted, and to whom',
      epochs.node,
      hint(link('#/epochs', 'All epochs and the emission schedule')),
    ),
    section('Balances on the chain', balances.node, hint(link('#/explorer/accounts', 'All accounts'))),
  );
  return {
    node,
    show: (status) => {
      const names = nameAddresses(status);
      outcomes.show(outcomeRows(status));
      devices.show(deviceRows(status));
      epochs.show(epochRows(status, names));
      balances.show(balanceRows(status, names));
    },
  };
}

function outcomeRows(status: NetworkStatus): Cell[][] {
  const descending = (counts: Readonly<Record<string, number>>) =>
    Object.entries(counts).sort(([, a], [, b]) => b - a);
  const rows: [text: string, n: number][] = [
    ['accepted', status.submissions.accepted],
    ['waiting for a scorer', status.submissions.queued],
    ...descending(status.submissions.refused).map(([code, n]): [string, number] => [
      `refused: ${refusalText(code)}`,
      n,
    ]),
    ...descending(status.refusedRequests).map(([code, n]): [string, number] => [
      `request turned away: ${code}`,
      n,
    ]),
    ['rounds applied', status.rounds.applied],
    ['rounds rolled back', status.rounds.rolledBack],
  ];
  return rows.map(([text, n]) => [{ text }, { text: count(n) }]);
}

/** Who sent word within this time is at work. */
const RECENT_MS = 120_000;

function deviceRows(status: NetworkStatus): Cell[][] {
  const devices = new Map<string, { miners: number; recent: number; accepted: number }>();
  for (const { role, device, lastSeenMs, accepted } of status.miners) {
    const name = role === 'scorer' ? `${device} (scorer)` : device;
    const sum = devices.get(name) ?? { miners: 0, recent: 0, accepted: 0 };
    sum.miners += 1;
    sum.recent += status.serverTimeMs - lastSeenMs < RECENT_MS ? 1 : 0;
    sum.accepted += accepted;
    devices.set(name, sum);
  }
  return [...devices].map(([text, { miners, recent, accepted }]) => [
    { text },
    { text: count(miners) },
    { text: count(recent) },
    { text: count(accepted) },
  ]);
}

function epochRows(status: NetworkStatus, names: Names): Cell[][] {
  return status.epochs
    .slice(-LAST_EPOCHS)
    .reverse()
    .map((e) => [
      { text: String(e.epoch), href: `#/epochs/${e.epoch}` },
      { text: duration(e.endedAtMs - e.startedAtMs) },
      { text: alice(e.mintedPlanck), title: exactAlice(e.mintedPlanck) },
      paidCell(e, names),
    ]);
}

function paidCell({ payouts }: NetworkStatus['epochs'][number], names: Names): Cell {
  const shown = [...payouts].sort(byAmount(({ amountPlanck }) => amountPlanck)).slice(0, PAYEES_SHOWN);
  const texts = shown.map(
    (p) => `${names.get(p.address) ?? shortAddress(p.address)} ${alice(p.amountPlanck)}`,
  );
  const rest = payouts.length - shown.length;
  return {
    text: [...texts, ...(rest > 0 ? [`${count(rest)} more`] : [])].join(' · '),
    title: shown.map((p) => `${p.address} ${exactAlice(p.amountPlanck)}`).join('\n'),
    words: true,
  };
}

/** Largest first; equal ones stay as they were. */
function byAmount<T>(planckOf: (item: T) => string): (a: T, b: T) => number {
  return (a, b) => {
    const difference = BigInt(planckOf(b)) - BigInt(planckOf(a));
    return difference > 0n ? 1 : difference < 0n ? -1 : 0;
  };
}

function balanceRows(status: NetworkStatus, names: Names): Cell[][] {
  const largest = [...status.balances].sort(byAmount(({ planck }) => planck)).slice(0, BALANCES_SHOWN);
  return largest.map((b) => [
    { text: names.get(b.address) ?? b.role },
    { text: alice(b.planck), title: exactAlice(b.planck) },
    { text: b.address, code: true, href: accountHref(b.address) },
  ]);
}
