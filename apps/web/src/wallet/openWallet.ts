/** @file The wallet's addresses: `#/wallet` (which wallets there are, how to get one) and `#/wallet/a2…` (one of them). */
import { messageOf } from '@alice/protocol';
import { button, element, hint, link, section } from '../dom.js';
import type { View } from '../view.js';
import { openAccountView } from './accountView.js';
import { importFileForm, importPhraseForm, newWalletForm } from './addWallet.js';
import { connectExtension, type ExtensionAccount, extensionNames } from './extension.js';
import { type StoredWallet, WalletStore } from './walletStore.js';

/** Accounts of connected extensions; asked for again after the page is loaded anew. */
let connected: ExtensionAccount[] = [];

export function openWallet([address]: readonly string[]): View {
  let store: WalletStore;
  let wallets: StoredWallet[];
  try {
    store = new WalletStore(window.localStorage);
    wallets = store.list();
  } catch (error) {
    return plainView(element('p', { class: 'problem' }, messageOf(error)));
  }
  if (address === undefined) return listView(wallets, store);
  const wallet = [...wallets, ...connected].find((known) => known.address === address);
  if (wallet) return openAccountView(wallet, store);
  return plainView(
    element('p', {}, 'This browser has no wallet of that address. '),
    element('p', {}, link('#/wallet', 'All wallets')),
  );
}

const plainView = (...nodes: readonly HTMLElement[]): View => ({
  title: 'Wallet',
  node: element('div', {}, element('h1', { tabindex: '-1' }, 'Wallet'), ...nodes),
});

function listView(wallets: readonly StoredWallet[], store: WalletStore): View {
  const list = element('ul', { class: 'wallets', 'aria-label': 'Wallets' });
  const show = (): void => {
    const items = [...wallets, ...connected].map(({ name, address }) =>
      element('li', {}, link(`#/wallet/${address}`, name), ' ', element('code', { class: 'wrap' }, address)),
    );
    list.replaceChildren(...(items.length > 0 ? items : [element('li', {}, 'none yet: create one below')]));
  };
  show();
  const extensions = extensionSection(show);
  return plainView(
    section(
      'Wallets in this browser',
      list,
      hint('Keys are kept in this browser only, encrypted; they are never sent.'),
    ),
    ...(extensions ? [extensions] : []),
    newWalletForm(store),
    importPhraseForm(store),
    importFileForm(store),
  );
}

/** Only where an extension is installed. */
function extensionSection(onConnected: () => void): HTMLElement | undefined {
  const names = extensionNames();
  if (names.length === 0) return undefined;
  const said = element('p', { class: 'hint', role: 'status' });
  const connect = (name: string) => async (): Promise<void> => {
    try {
      const accounts = await connectExtension(name);
      connected = [...connected.filter(({ extension }) => extension !== name), ...accounts];
      said.textContent = `${accounts.length} account(s) of ${name} are in the list above`;
      onConnected();
    } catch (error) {
      said.textContent = messageOf(error);
    }
  };
  return section(
    'Wallet extension',
    hint('Its keys stay in the extension; it asks you before each signature.'),
    element(
      'p',
      { class: 'row' },
      ...names.map((name) => button(`Connect ${name}`, () => void connect(name)())),
    ),
    said,
  );
}
