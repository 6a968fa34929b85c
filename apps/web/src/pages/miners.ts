/** @file Who computes: device, fate of their submissions, score, and what the chain has paid them in all. */
import type { NetworkStatus } from '@alice/protocol';
import { openChain } from '../chain/openChain.js';
import { element, hint, link, section } from '../dom.js';
import { alice, count, duration, exactAlice, percent, scoreNats } from '../format.js';
import { PagedTable } from '../parts/PagedTable.js';
import { nameAddresses, who } from '../parts/people.js';
import type { Cell } from '../parts/Table.js';
import type { View } from '../view.js';

/** Who has done most comes first. */
const ROWS_PER_PAGE = 50;

const SCORE = 'Score: sum of verified improvements. The number of accepted updates leads to their receipts.';

export type Paid = ReadonlyMap<string, bigint>;

export function openMiners(): View {
  let paid: { readonly epoch: number; readonly amounts: Paid } | undefined;
  let isClosed = false;
  const source = hint();
  let now: { readonly status: NetworkStatus; readonly paid: Paid } | undefined;
  const table = new PagedTable({
    label: 'Miners and scorers',
    columns: [
      'who',
      '#earned ALICE',
      '#accepted',
      '#refused',
      '#acceptance',
      '#score, nats',
      '#last seen',
      'device',
    ],
    empty: 'nobody has registered yet',
    rowsPerPage: ROWS_PER_PAGE,
    turn: ['Previous', 'Next'],
    rows: async (from, length) => (now ? minerRows(now.status, now.paid).slice(from, from + length) : []),
  });
  const show = (status: NetworkStatus): void => {
    now = { status, paid: paid?.amounts ?? paidInEpochs(status) };
    void table.refresh(status.miners.length);
    source.textContent = paid
      ? `Earned: what the chain has paid the address in all epochs. ${SCORE}`
      : `Earned: sum over the ${count(status.epochs.length)} epochs the server lists; the chain has not been asked yet. ${SCORE}`;
  };
  return {
    title: 'Miners',
    node: element(
      'div',
      {},
      element('h1', { tabindex: '-1' }, 'Who is working'),
      element(
        'p',
        { class: 'lead' },
        'Miners train the model on tasks, scorers measure what each update is worth. Anyone may join: ',
        link('#/mine', 'mine in this tab'),
        ', or with the alice command.',
      ),
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
  return [...status.miners].sort(byScore).map((m) => {
    const judged = m.accepted + m.refused;
    const earned = paid.get(m.address) ?? 0n;
    const isScorer = m.role === 'scorer';
    return [
      who(names, m.address),
      { text: alice(earned), title: exactAlice(earned) },
      isScorer
        ? { text: '–' }
        : { text: count(m.accepted), href: `#/receipts/${m.address}`, title: 'receipts' },
      { text: isScorer ? '–' : count(m.refused) },
      { text: isScorer || judged === 0 ? '–' : percent(m.accepted / judged, 0) },
      { text: isScorer ? '–' : scoreNats(m.score) },
      { text: `${duration(status.serverTimeMs - m.lastSeenMs)} ago` },
      { text: isScorer ? `${m.device} (scorer)` : m.device, title: `instance ${m.instance}` },
    ];
  });
}

type Member = NetworkStatus['miners'][number];

function byScore(a: Member, b: Member): number {
  const difference = BigInt(b.score) - BigInt(a.score);
  return difference > 0n ? 1 : difference < 0n ? -1 : 0;
}
