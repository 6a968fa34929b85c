/** @file The mining key: its address, its phrase on request, and how to keep it as a wallet with a password. */
import { messageOf } from '@alice/protocol';
import { button, element, hint, link, section } from '../dom.js';
import { accountHref } from '../parts/people.js';
import { field, form } from '../wallet/field.js';
import { WalletStore } from '../wallet/walletStore.js';
import type { BrowserMiner } from './BrowserMiner.js';

export interface KeySection {
  readonly node: HTMLElement;
  show(address: string): void;
}

export function keySection(miner: Pick<BrowserMiner, 'phrase'>): KeySection {
  const place = element('div');
  let shown: string | undefined;
  return {
    node: section(
      "This browser's mining key",
      hint(
        'Made here at the first start and kept in this browser, encrypted by a key that the browser hands to nobody. It signs the work; rewards go to it unless a wallet is chosen above.',
      ),
      place,
    ),
    show: (address) => {
      if (address === shown) return;
      shown = address;
      if (address === '')
        place.replaceChildren(element('p', {}, 'not made yet: it is made when mining starts'));
      else place.replaceChildren(addressLine(address), ownerTools(miner));
    },
  };
}

function addressLine(address: string): HTMLElement {
  const code = element('code', { class: 'wrap', id: 'mining-address' }, address);
  return element('p', {}, code, ' ', link(accountHref(address), 'payouts on the chain'));
}

function ownerTools(miner: Pick<BrowserMiner, 'phrase'>): HTMLElement {
  const words = element('div');
  const said = element('p', { class: 'problem', role: 'alert' });
  const reveal = button('Show the recovery phrase', () => {
    miner.phrase().then(
      (phrase) => {
        const items = phrase.split(' ').map((word) => element('li', {}, word));
        const hide = button('Hide it', () => words.replaceChildren());
        words.replaceChildren(element('ol', { class: 'phrase', translate: 'no' }, ...items), hide);
        hide.focus();
      },
      (error: unknown) => {
        said.textContent = messageOf(error);
      },
    );
  });
  return element(
    'details',
    {},
    element('summary', {}, 'Keep it safe, or use it as a wallet'),
    hint('Whoever has the words has the money. Clearing this page’s data in the browser deletes the key.'),
    reveal,
    words,
    said,
    walletForm(miner),
  );
}

/** The same key as a wallet of this page: with a password, and able to send. */
function walletForm(miner: Pick<BrowserMiner, 'phrase'>): HTMLElement {
  const password = field({
    label: 'Choose a password for the wallet',
    type: 'password',
    autocomplete: 'new-password',
    hint: 'At least 8 characters; asked for whenever you send.',
  });
  return form(
    {
      submit: 'Keep as a wallet',
      busy: 'encrypting …',
      run: async () => {
        const { keystoreOfPhrase } = await import('../wallet/keys.js');
        const keystore = await keystoreOfPhrase(await miner.phrase(), password.input.value, 'mining key');
        new WalletStore(window.localStorage).add({ name: 'mining key', address: keystore.address, keystore });
        window.location.hash = `#/wallet/${keystore.address}`;
      },
    },
    password.node,
  );
}
