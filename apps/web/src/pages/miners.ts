/** @file Who computes: device, fate of their submissions, score, and what the chain has paid them in all. */
import type { NetworkStatus } from '@alice/protocol';
import { openChain } from '../chain/openChain.js';
import { element, hint, section } from '../dom.js';
import { alice, count, duration, exactAlice, percent, scoreNats } from '../format.js';
import { nameAddresses, who } from '../parts/people.js';
import { type Cell, Table } from '../parts/Table.js';
import type { View } from '../view.js';

export type Paid = ReadonlyMap<string, bigint>;

export function openMiners(): View {
  let paid: { readonly epoch: number; readonly amounts: Paid } | undefined;
  let isClosed = false;
  const source = hint();
  const table = new Table({
    label: 'Miners and scorers',
    columns: [
      'who',
      'role',
      'device',
      '#accepted',
      '#refused',
      '#acceptance',
      '#score, nats',
      '#earned ALICE',
      '#last seen',
    ],
    empty: 'nobody has registered yet',
  });
  const show = (status: NetworkStatus): void => {
    table.show(minerRows(status, paid?.amounts ?? paidInEpochs(status)));
    source.textContent = paid
      ? 'Earned: what the chain has paid the address in all epochs. Score: sum of verified improvements.'
      : `Earned: sum over the ${count(status.epochs.length)} epochs the server lists; the chain has not been asked yet. Score: sum of verified improvements.`;
  };
  return {
    title: 'Miners',
    node: element(
      'div',
      {},
      element('h1', { tabindex: '-1' }, 'Who is working'),
      section('Miners and scorers', source, table.node),
    ),
    onStatus: (status) => {
      show(status);
      const epoch = status.epochs.at(-1)?.epoch ?? -1;
      if (paid?.epoch === epoch) return;
      paidOnChain(status)
        .then((amounts) => {
          paid = { epoch, amounts };
          if (!isClosed) show(status);
        })
        .catch(() => undefined); // the sum over the listed epochs stays
    },
    close: () => {
      isClosed = true;
    },
  };
}

async function paidOnChain(status: NetworkStatus): Promise<Paid> {
  const { reader } = await openChain();
  const addresses = [...new Set(status.miners.map(({ address }) => address))];
  if ((await reader.genesisHash()) !== status.networkId) throw new Error('a node of another network');
  const values = await reader.storage(
    addresses.map((key) => ({ pallet: 'ProofOfGradient', item: 'Contributions', key })),
  );
  return new Map(
    addresses.map((address, i) => [address, (values[i] as { total_paid?: bigint })?.total_paid ?? 0n]),
  );
}

export function paidInEpochs({ epochs }: Pick<NetworkStatus, 'epochs'>): Paid {
  const sums = new Map<string, bigint>();
  for (const { payouts } of epochs)
    for (const { address, amountPlanck } of payouts)
      sums.set(address, (sums.get(address) ?? 0n) + BigInt(amountPlanck));
  return sums;
}

function minerRows(status: NetworkStatus, paid: Paid): Cell[][] {
  const names = nameAddresses(status);
  return status.miners.map((m) => {
    const judged = m.accepted + m.refused;
    const earned = paid.get(m.address) ?? 0n;
    const isScorer = m.role === 'scorer';
    return [
      who(names, m.address),
      { text: m.role },
      { text: m.device, title: `instance ${m.instance}` },
      isScorer
        ? { text: '–' }
        : { text: count(m.accepted), href: `#/receipts/${m.address}`, title: 'receipts' },
      { text: isScorer ? '–' : count(m.refused) },
      { text: judged === 0 ? '–' : percent(m.accepted / judged, 0) },
      { text: isScorer ? '–' : scoreNats(m.score) },
      { text: alice(earned), title: exactAlice(earned) },
      { text: `${duration(status.serverTimeMs - m.lastSeenMs)} ago` },
    ];
  });
}
