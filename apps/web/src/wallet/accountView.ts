/** @file One wallet: live balance, sending, receiving with a QR code, exporting, forgetting. */
import { messageOf, type NetworkStatus } from '@alice/protocol';
import { openChain } from '../chain/openChain.js';
import { button, element, facts, hint, link, section } from '../dom.js';
import { alice, exactAlice } from '../format.js';
import { ChainNotice } from '../parts/chainNotice.js';
import { accountHref } from '../parts/people.js';
import type { View } from '../view.js';
import { qrCode } from './qrCode.js';
import { isExtension, sendForm, type Wallet } from './sendForm.js';
import type { StoredWallet, WalletStore } from './walletStore.js';

export function openAccountView(wallet: Wallet, store: WalletStore): View {
  let networkId: string | undefined;
  const notice = new ChainNotice();
  const balance = element('div', { id: 'balance', role: 'status' }, 'asking the chain …');
  const stop = followBalance(wallet.address, balance, notice);
  return {
    title: `Wallet ${wallet.name}`,
    node: element(
      'div',
      {},
      element('h1', { tabindex: '-1' }, wallet.name),
      hint(
        link('#/wallet', 'All wallets'),
        ...(isExtension(wallet) ? [` · key kept by ${wallet.extension}`] : []),
      ),
      notice.node,
      section(
        'Balance',
        balance,
        hint(link(accountHref(wallet.address), 'Payouts and history on the chain')),
      ),
      sendForm({ wallet, networkId: () => networkId }),
      receiveSection(wallet.address),
      ...(isExtension(wallet) ? [] : [keepingSection(wallet, store)]),
    ),
    onStatus: (status: NetworkStatus) => {
      ({ networkId } = status);
      notice.onStatus(status);
    },
    close: () => {
      stop();
      notice.close();
    },
  };
}

/** The balance after each block; screen readers hear it only when it changes. */
function followBalance(address: string, place: HTMLElement, notice: ChainNotice): () => void {
  let stop: () => void = () => undefined;
  let isClosed = false;
  let shown: string | undefined;
  openChain().then((open) => {
    notice.follow(open);
    if (isClosed) return;
    stop = open.reader.onHead(() => {
      open.reader
        .account(address)
        .then(({ freePlanck }) => {
          const exact = exactAlice(freePlanck);
          if (shown === exact) return;
          shown = exact;
          const value = element('span', { class: 'big', title: exact }, `${alice(freePlanck)} ALICE`);
          place.replaceChildren(value, hint(exact));
        })
        .catch((error: unknown) => {
          if (shown === undefined) place.textContent = messageOf(error);
        });
    });
  });
  return () => {
    isClosed = true;
    stop();
  };
}

function receiveSection(address: string): HTMLElement {
  const said = element('span', { class: 'hint', role: 'status' });
  const copy = button('Copy address', () => {
    navigator.clipboard.writeText(address).then(
      () => {
        said.textContent = 'copied';
      },
      () => {
        said.textContent = 'the browser does not allow copying here; mark the address and copy it';
      },
    );
  });
  return section(
    'Receive',
    element(
      'div',
      { class: 'receive' },
      qrCode(address, 'QR code of the address'),
      element(
        'div',
        {},
        element('code', { class: 'wrap', id: 'address' }, address),
        element('p', {}, copy, ' ', said),
      ),
    ),
  );
}

function keepingSection(wallet: StoredWallet, store: WalletStore): HTMLElement {
  const place = element('span');
  const forget = (): void => {
    const yes = button('Yes, forget it', () => {
      store.remove(wallet.address);
      window.location.hash = '#/wallet';
    });
    place.replaceChildren(
      element('span', { role: 'alert' }, 'Without the phrase or an exported file the money is lost. '),
      yes,
      ' ',
      button('No', () => place.replaceChildren(button('Forget this wallet', forget))),
    );
    yes.focus();
  };
  place.append(button('Forget this wallet', forget));
  return section(
    'Keeping it safe',
    facts([
      ['Key', 'kept in this browser, encrypted by your password (scrypt, xsalsa20-poly1305)'],
      ['Used with', 'Polkadot wallets and the alice command read the same key file'],
    ]),
    element(
      'p',
      { class: 'row' },
      button('Export the encrypted key file', () => download(wallet)),
      place,
    ),
  );
}

function download({ keystore, address }: StoredWallet): void {
  const url = URL.createObjectURL(
    new Blob([JSON.stringify(keystore, null, 2)], { type: 'application/json' }),
  );
  const anchor = element('a', { href: url, download: `alice-${address}.json` });
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000); // some browsers read it later
}
