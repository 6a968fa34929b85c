/** @file Sending: what and to whom, then everything once more with the fee, then the signature, then its fate. */
import { formatAlice, type KeyPair, messageOf, parseAlice } from '@alice/protocol';
import { openChain } from '../chain/openChain.js';
import { accountOfAddress } from '../chain/ss58.js';
import { button, element, facts, link, section } from '../dom.js';
import { exactAlice } from '../format.js';
import type { ExtensionAccount } from './extension.js';
import { field, form } from './field.js';
import type { Progress, Quote } from './transfer.js';
import type { StoredWallet } from './walletStore.js';

export type Wallet = StoredWallet | ExtensionAccount;
export const isExtension = (wallet: Wallet): wallet is ExtensionAccount => 'extension' in wallet;

export interface SendOptions {
  readonly wallet: Wallet;
  /** The network this page is about; a node of another one is refused. */
  readonly networkId: () => string | undefined;
}

export function sendForm(options: SendOptions): HTMLElement {
  const place = element('div');
  const start = (): void => {
    place.replaceChildren(askWhat(options, (quote) => place.replaceChildren(confirm(options, quote, start))));
  };
  start();
  return section('Send', place);
}

function askWhat({ wallet, networkId }: SendOptions, onQuote: (quote: Quote) => void): HTMLElement {
  const to = field({ label: 'To (address)' });
  const amount = field({ label: 'Amount (ALICE)', inputmode: 'decimal', hint: 'For example 12.5' });
  return form(
    {
      submit: 'Review',
      busy: 'asking the chain for the fee …',
      run: async () => {
        const address = to.input.value.trim();
        accountOfAddress(address);
        const planck = parseAlice(amount.input.value);
        const [{ reader }, { quoteTransfer }] = await Promise.all([openChain(), import('./transfer.js')]);
        onQuote(await quoteTransfer(reader, { from: wallet.address, to: address, planck }, networkId()));
      },
    },
    to.node,
    amount.node,
  );
}

function confirm({ wallet }: SendOptions, quote: Quote, startOver: () => void): HTMLElement {
  const { transfer, feePlanck, freePlanck } = quote;
  const password = isExtension(wallet)
    ? undefined
    : field({ label: 'Password of this wallet', type: 'password', autocomplete: 'current-password' });
  const place = element('div');
  place.append(
    element('h3', { tabindex: '-1' }, 'Please check'),
    facts([
      ['To', element('code', { class: 'wrap' }, transfer.to)],
      ['Amount', exactAlice(transfer.planck)],
      ['Fee', exactAlice(feePlanck)],
      ['Balance after', `${formatAlice(freePlanck - transfer.planck - feePlanck)} ALICE`],
    ]),
    form(
      {
        submit: 'Sign and send',
        busy: isExtension(wallet) ? 'waiting for the extension …' : 'signing …',
        run: async () => {
          const extrinsic = await sign(wallet, quote, password?.input.value ?? '');
          place.replaceChildren(follow(extrinsic, startOver));
        },
      },
      ...(password ? [password.node] : []),
    ),
    button('Back', startOver),
  );
  queueMicrotask(() => (password?.input ?? place.querySelector('h3'))?.focus());
  return place;
}

async function sign(wallet: Wallet, { call, context }: Quote, password: string): Promise<Uint8Array> {
  const { signedTransfer, transferWithSignature, unlock } = await import('./keys.js');
  if (isExtension(wallet)) {
    const signature = await wallet.sign(call, context);
    return transferWithSignature(call, { from: wallet.address, signature }, context);
  }
  const keyPair: KeyPair = await unlock(wallet.keystore, password);
  try {
    return signedTransfer(call, keyPair, context);
  } finally {
    keyPair.secretKey.fill(0);
  }
}

const STAGES = {
  sending: 'handing the transfer to the node …',
  pool: 'the node has the transfer; waiting for the next block …',
  away: 'the node does not answer; looking again as soon as it does …',
};

function follow(extrinsic: Uint8Array, startOver: () => void): HTMLElement {
  const said = element('p', { role: 'status', id: 'transfer-status' });
  const again = button('Send something else', startOver);
  again.hidden = true;
  const show = (progress: Progress): void => {
    if (progress.stage !== 'included') said.textContent = STAGES[progress.stage];
    else
      said.replaceChildren(
        'Sent: the transfer is in ',
        link(`#/explorer/block/${progress.blockNumber}`, `block ${progress.blockNumber}`),
        '.',
      );
  };
  const run = async (): Promise<void> => {
    const [{ reader }, { sendAndFollow }] = await Promise.all([openChain(), import('./transfer.js')]);
    await sendAndFollow(reader, extrinsic, show);
  };
  run()
    .catch((error: unknown) => {
      said.className = 'problem';
      said.textContent = messageOf(error);
    })
    .finally(() => {
      again.hidden = false;
    });
  return element('div', {}, said, again);
}
