/** @file One account: balance, nonce, what it earned in all, and its payouts epoch by epoch, as the chain has them. */
import { messageOf, type NetworkStatus } from '@alice/protocol';
import type { ChainReader } from '../chain/ChainReader.js';
import { accountOf } from '../chain/ChainReader.js';
import type { Value } from '../chain/decodeValue.js';
import { openChain } from '../chain/openChain.js';
import { type Payout, readPayouts } from '../chain/payouts.js';
import { isAddress } from '../chain/ss58.js';
import { element, facts, hint, section } from '../dom.js';
import { count, exactAlice, groups, roleScore, scoreNats } from '../format.js';
import { PLANCK } from '../pages/epoch.js';
import { ChainNotice } from '../parts/chainNotice.js';
import { PagedTable } from '../parts/PagedTable.js';
import { nameAddresses } from '../parts/people.js';
import type { Cell } from '../parts/Table.js';
import type { View } from '../view.js';
import { type HistorySection, historySection } from './historySection.js';

/** Few: an epoch of ten thousand payees is a megabyte to look through. */
const EPOCHS_PER_PAGE = 20;

export function openAccountPage(address: string): View {
  const notice = new ChainNotice();
  const heading = element('h1', { tabindex: '-1' }, 'Account');
  if (!isAddress(address))
    return {
      title: 'Account',
      node: element('div', {}, heading, element('p', { class: 'problem' }, 'This is not an Alice address.')),
    };
  const balance = element('div', {}, 'asking the chain …');
  const payouts = payoutTable(address);
  const history = historySection(address);
  let stop: () => void = () => undefined;
  let isClosed = false;
  openChain().then((open) => {
    notice.follow(open);
    if (isClosed) return;
    stop = open.reader.onHead(() => {
      showAccount(open.reader, address, { balance, payouts, history }).catch((error: unknown) =>
        balance.replaceChildren(messageOf(error)),
      );
    });
  });
  return {
    title: 'Account',
    node: element(
      'div',
      {},
      heading,
      notice.node,
      element('p', {}, element('code', { class: 'wrap' }, address)),
      section('Balance', balance),
      section(
        'Payouts, exact to the planck',
        hint(`Epochs in which this account was paid nothing are left out. ${PLANCK}`),
        payouts.node,
      ),
      history.node,
    ),
    onStatus: (status: NetworkStatus) => {
      notice.onStatus(status);
      heading.textContent = `Account: ${nameAddresses(status).get(address) ?? 'no known role'}`;
    },
    close: () => {
      isClosed = true;
      stop();
      notice.close();
    },
  };
}

interface Places {
  readonly balance: HTMLElement;
  readonly payouts: PagedTable;
  readonly history: HistorySection;
}

async function showAccount(reader: ChainReader, address: string, places: Places): Promise<void> {
  const [stored, contribution, epoch] = await reader.storage([
    { pallet: 'System', item: 'Account', key: address },
    { pallet: 'ProofOfGradient', item: 'Contributions', key: address },
    { pallet: 'ProofOfGradient', item: 'CurrentEpoch' },
  ]);
  const { freePlanck, nonce } = accountOf(stored);
  const earned = contribution as Record<string, Value> | undefined;
  places.balance.replaceChildren(
    facts([
      ['Free', exactAlice(freePlanck)],
      ['Transactions signed', count(nonce)],
      ['Earned in all', earned ? exactAlice(earned['total_paid'] as bigint) : 'nothing yet'],
      ...(earned
        ? [
            [
              'Epochs paid',
              `${earned['epochs']} (from ${earned['first_epoch']} to ${earned['last_epoch']})`,
            ] as const,
            ['Verified score', `${scoreNats(earned['cumulative_score'] as bigint)} nats`] as const,
          ]
        : []),
    ]),
  );
  const total = Number(epoch ?? 0);
  await whenChanged(places.payouts.node, String(total), () => places.payouts.refresh(total));
  await whenChanged(places.history.node, `${nonce} ${freePlanck}`, () =>
    places.history.refresh(reader.socket),
  );
}

/** Reads again what depends on `state` only; a failure is tried again with the next block. */
async function whenChanged(node: HTMLElement, state: string, read: () => Promise<void>): Promise<void> {
  if (node.dataset['state'] === state) return;
  await read();
  node.dataset['state'] = state;
}

/** Pages over epochs, newest first. */
function payoutTable(address: string): PagedTable {
  return new PagedTable({
    label: 'Payouts by epoch',
    columns: ['#epoch', 'role', '#score', '#planck'],
    empty: 'no payouts in these epochs',
    rowsPerPage: EPOCHS_PER_PAGE,
    unit: 'epochs',
    rows: async (from, length, total) => {
      const { reader } = await openChain();
      const epochs = Array.from({ length }, (_, i) => total - 1 - from - i);
      const paid = await readPayouts(reader, epochs);
      return epochs.flatMap((epoch, i) =>
        (paid[i] ?? [])
          .filter((payout) => payout.address === address)
          .map((payout) => payoutRow(epoch, payout)),
      );
    },
  });
}

function payoutRow(epoch: number, { role, scoreNanoNats, amountPlanck }: Payout): Cell[] {
  return [
    { text: String(epoch), href: `#/epochs/${epoch}` },
    { text: role },
    { text: roleScore(role, scoreNanoNats) },
    { text: groups(String(amountPlanck)), title: exactAlice(amountPlanck) },
  ];
}
