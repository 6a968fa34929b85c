/** @file Emission: the schedule with what was really issued, the shares of the roles, and the list of epochs. */
import type { NetworkStatus } from '@alice/protocol';
import { type EmissionFacts, readEmissionFacts, readEpochs, type SettledEpoch } from '../chain/epochs.js';
import { openChain } from '../chain/openChain.js';
import { EmissionChart, type EmissionSpan } from '../charts/EmissionChart.js';
import { element, hint, section } from '../dom.js';
import { alice, dateTime, duration, exactAlice, percent, shortHash } from '../format.js';
import { ChainNotice } from '../parts/chainNotice.js';
import { choice } from '../parts/choice.js';
import { PagedTable } from '../parts/PagedTable.js';
import { type Cell, Table } from '../parts/Table.js';
import type { View } from '../view.js';

const ROWS_PER_PAGE = 25;

export function openEpochs(): View {
  let status: NetworkStatus | undefined;
  let facts: EmissionFacts | undefined;
  const notice = new ChainNotice();
  const chartHost = element('div', {
    ...{ class: 'chart', role: 'img', 'aria-label': 'ALICE issued over time' },
    'data-empty': 'drawn as soon as the server or the chain says when it began',
  });
  const chart = new EmissionChart(chartHost);
  const said = hint();
  const shares = new Table({
    label: 'Shares of the roles',
    columns: ['role', '#share by rule', '#paid, ALICE', '#share paid'],
    empty: '',
  });
  const list = new PagedTable({
    label: 'Settled epochs',
    columns: ['#epoch', '#minted ALICE', '#loss, nats', '#versions', 'settled', '#length', 'receipts root'],
    empty: 'the first epoch settles within a few minutes',
    rowsPerPage: ROWS_PER_PAGE,
    rows: async (from, length) => (await epochsFrom(status, facts, { from, length })).map(epochRow),
  });
  const show = (): void => {
    if (!status) return;
    chart.show(status, facts?.genesisMs);
    said.textContent = emissionText(status);
    chartHost.setAttribute('aria-label', emissionText(status));
    shares.show(shareRows(status, facts));
    void list.refresh(facts?.currentEpoch ?? status.epochs.length).catch(() => undefined);
  };
  openChain().then((open) => notice.follow(open));
  let askedEpoch = -2;
  const askChain = async (now: NetworkStatus): Promise<void> => {
    const epoch = now.epochs.at(-1)?.epoch ?? -1;
    if (epoch === askedEpoch) return;
    const { reader } = await openChain();
    if ((await reader.genesisHash()) !== now.networkId) return; // the notice says so
    facts = await readEmissionFacts(reader);
    askedEpoch = epoch;
    show();
  };
  return {
    title: 'Epochs',
    node: element(
      'div',
      {},
      element('h1', { tabindex: '-1' }, 'Epochs and emission'),
      element(
        'p',
        { class: 'lead' },
        'When an epoch ends, the server reports what the work of its miners was verified to be worth; the chain mints new ALICE and divides it among them.',
      ),
      notice.node,
      section('Emission', said, spanChoice(chart), chartHost),
      section('Who is paid for what', shares.node, hint('Paid: sum over the epochs the server lists.')),
      section('Settled epochs', list.node),
    ),
    onStatus: (now) => {
      const isFirst = status === undefined;
      const isNewEpoch = now.epochs.at(-1)?.epoch !== status?.epochs.at(-1)?.epoch;
      status = now;
      notice.onStatus(now);
      if (isFirst || isNewEpoch) show();
      void askChain(now).catch(() => undefined); // asked again with the next status
    },
    close: () => {
      notice.close();
      chart.close();
    },
  };
}

function spanChoice(chart: EmissionChart): HTMLElement {
  return choice({
    legend: 'Time shown',
    options: [
      ['schedule', 'whole schedule'],
      ['so far', 'so far'],
    ],
    onChange: (span: EmissionSpan) => chart.useSpan(span),
  });
}

function emissionText(status: NetworkStatus): string {
  return `${alice(status.totalIssuancePlanck)} ALICE exist; 5 250 000 a year may be minted in the first two years, half as much in each two years after, never more than 21 000 000 in all. Nothing is minted without verified improvement.`;
}

function shareRows(status: NetworkStatus, facts: EmissionFacts | undefined): Cell[][] {
  const paid = new Map<string, bigint>();
  for (const { payouts } of status.epochs)
    for (const { role, amountPlanck } of payouts)
      paid.set(role, (paid.get(role) ?? 0n) + BigInt(amountPlanck));
  const total = [...paid.values()].reduce((a, b) => a + b, 0n);
  return ['training', 'scoring', 'infrastructure'].map((role) => {
    const planck = paid.get(role) ?? 0n;
    const rule = facts?.roleShares[role];
    return [
      { text: role },
      { text: rule === undefined ? '…' : percent(rule / 10_000) },
      { text: alice(planck), title: exactAlice(planck) },
      { text: total === 0n ? '–' : percent(Number((planck * 1_000_000n) / total) / 1e6, 2) },
    ];
  });
}

/** Epochs counted back from the newest: from the chain if it is there, else as far as the server lists them. */
async function epochsFrom(
  status: NetworkStatus | undefined,
  facts: EmissionFacts | undefined,
  { from, length }: { readonly from: number; readonly length: number },
): Promise<ListedEpoch[]> {
  if (facts) {
    const { reader } = await openChain();
    return await readEpochs(
      reader,
      Array.from({ length }, (_, i) => facts.currentEpoch - 1 - from - i),
    );
  }
  const known = [...(status?.epochs ?? [])].reverse().slice(from, from + length);
  return known.map((e) => ({ ...e, mintedPlanck: BigInt(e.mintedPlanck) }));
}

type ListedEpoch = Pick<
  SettledEpoch,
  'epoch' | 'startedAtMs' | 'endedAtMs' | 'fromVersion' | 'toVersion' | 'mintedPlanck'
> &
  Partial<Pick<SettledEpoch, 'heldOutLossNats' | 'receiptsRoot'>>;

function epochRow(e: ListedEpoch): Cell[] {
  return [
    { text: String(e.epoch), href: `#/epochs/${e.epoch}` },
    { text: alice(e.mintedPlanck), title: exactAlice(e.mintedPlanck) },
    { text: e.heldOutLossNats?.toFixed(4) ?? '' },
    { text: `${e.fromVersion} → ${e.toVersion}` },
    { text: dateTime(e.endedAtMs) },
    { text: duration(e.endedAtMs - e.startedAtMs) },
    { text: shortHash(e.receiptsRoot ?? ''), title: e.receiptsRoot ?? '', code: true },
  ];
}
