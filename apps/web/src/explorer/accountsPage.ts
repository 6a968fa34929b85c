/** @file All accounts of the chain with their balances, as the node's explorer index lists them: by storage key, which is no order for people. */
import { messageOf, type NetworkStatus } from '@alice/protocol';
import type { ChainReader } from '../chain/ChainReader.js';
import { openChain } from '../chain/openChain.js';
import { button, element, hint, link, section } from '../dom.js';
import { alice, count, exactAlice } from '../format.js';
import { ChainNotice } from '../parts/chainNotice.js';
import { accountHref, type Names, nameAddresses } from '../parts/people.js';
import { type Cell, Table } from '../parts/Table.js';
import { untilAnswered } from '../parts/untilAnswered.js';
import type { View } from '../view.js';
import { type AccountsPage, readAccounts } from './explorerIndex.js';

const ACCOUNTS_AT_ONCE = 100;

type ListedAccount = AccountsPage['accounts'][number];

export function openAccountsPage(): View {
  const notice = new ChainNotice();
  const said = element('p', { class: 'hint', role: 'status' }, 'asking the chain …');
  const table = new Table({
    ...{ label: 'Accounts', columns: ['who', '#ALICE', '#transactions', 'address'] },
    empty: 'no account yet',
  });
  let names: Names = new Map();
  let shown: readonly ListedAccount[] = [];
  let next: string | null = null;
  const show = (): void => table.show(shown.map((account) => accountRow(account, names)));
  const read = async (reader: ChainReader): Promise<void> => {
    const page = await readAccounts(reader.socket, { after: next, limit: ACCOUNTS_AT_ONCE });
    shown = [...shown, ...(page?.accounts ?? [])];
    next = page?.next ?? null;
    more.hidden = next === null;
    said.textContent = page ? `${count(shown.length)} accounts${next === null ? '' : ' so far'}` : NO_INDEX;
    show();
  };
  const more = button('Show more', () => {
    openChain()
      .then(({ reader }) => read(reader))
      .catch((error: unknown) => {
        said.textContent = messageOf(error);
      });
  });
  more.hidden = true;
  const stop = untilAnswered(
    async () => {
      const open = await openChain();
      notice.follow(open);
      await read(open.reader);
      return true;
    },
    (error) => {
      said.textContent = messageOf(error);
    },
  );
  return {
    title: 'Accounts',
    node: element(
      'div',
      {},
      element('h1', { tabindex: '-1' }, 'Accounts'),
      notice.node,
      hint(link('#/explorer', 'Latest blocks')),
      section('All accounts', said, table.node, element('p', {}, more)),
    ),
    onStatus: (status: NetworkStatus) => {
      notice.onStatus(status);
      names = nameAddresses(status);
      show();
    },
    close: () => {
      stop();
      notice.close();
    },
  };
}

const NO_INDEX =
  'This node keeps no explorer index, so it lists no accounts; any account can be opened by its address.';

function accountRow({ address, free, nonce }: ListedAccount, names: Names): Cell[] {
  return [
    { text: names.get(address) ?? '–' },
    { text: alice(free), title: exactAlice(free) },
    { text: count(nonce) },
    { text: address, code: true, href: accountHref(address) },
  ];
}
