/**
 * @file Three ways to a wallet: a new phrase (shown once, then asked for), a phrase one has, a key file one has. Phrases
 * live in these forms only and are gone when the form is; what is kept is the encrypted key file.
 */
import type { KeystoreJson } from '@alice/protocol';
import { button, element, freshId, hint, section } from '../dom.js';
import { WebError } from '../errors.js';
import { type Field, field, form } from './field.js';
import type { WalletStore } from './walletStore.js';

/** The heavy part, fetched when first needed. */
const keys = () => import('./keys.js');

const WORDS_ASKED = 3;

export function newWalletForm(store: WalletStore): HTMLElement {
  const fields = commonFields('Choose a password');
  const place = element('div');
  place.append(
    form(
      {
        submit: 'Make a recovery phrase',
        busy: 'making …',
        run: async () => {
          fields.check();
          const phrase = await (await keys()).newPhrase();
          place.replaceChildren(phraseShown(phrase, { store, fields, place }));
          place.querySelector('h3')?.focus();
        },
      },
      ...fields.nodes,
    ),
  );
  return section(
    'Create a wallet',
    hint(
      'A phrase of twelve words is made in this browser. Whoever has the words has the money; nobody can bring them back.',
    ),
    place,
  );
}

interface NewWallet {
  readonly store: WalletStore;
  readonly fields: CommonFields;
  readonly place: HTMLElement;
}

function phraseShown(phrase: string, wallet: NewWallet): HTMLElement {
  const words = phrase.split(' ').map((word) => element('li', {}, word));
  const next = (): void => {
    wallet.place.replaceChildren(phraseAsked(phrase, wallet));
    wallet.place.querySelector('input')?.focus();
  };
  return element(
    'div',
    {},
    element('h3', { tabindex: '-1' }, 'Write these words down, in this order'),
    element('ol', { class: 'phrase', translate: 'no' }, ...words),
    hint('They are shown this once. Paper is better than a photo or a file.'),
    button('I have written them down', next, 'main'),
  );
}

/** Asks for a few of the words, so that nobody goes on without having them. */
function phraseAsked(phrase: string, { store, fields, place }: NewWallet): HTMLElement {
  const words = phrase.split(' ');
  const asked = placesAsked(words.length, WORDS_ASKED, crypto.getRandomValues(new Uint32Array(WORDS_ASKED)));
  const answers = asked.map((at) => field({ label: `Word ${at + 1}` }));
  return element(
    'div',
    {},
    form(
      {
        submit: 'Keep this wallet',
        busy: 'encrypting …',
        run: async () => {
          const isRight = asked.every((at, i) => answers[i]!.input.value.trim().toLowerCase() === words[at]);
          if (!isRight)
            throw new WebError(
              { code: 'WALLET_INPUT', field: 'phrase' },
              'these are not the words at those places',
            );
          keep(
            store,
            fields,
            await (await keys()).keystoreOfPhrase(phrase, fields.password(), fields.name()),
          );
        },
      },
      ...answers.map(({ node }) => node),
    ),
    button('Show the words again', () =>
      place.replaceChildren(phraseShown(phrase, { store, fields, place })),
    ),
  );
}

/** `count` different places below `length`, in order, from random 32-bit numbers. */
export function placesAsked(length: number, count: number, random: Uint32Array): number[] {
  const left = Array.from({ length }, (_, i) => i);
  const places = Array.from({ length: count }, (_, i) => left.splice(random[i]! % left.length, 1)[0]!);
  return places.sort((a, b) => a - b);
}

export function importPhraseForm(store: WalletStore): HTMLElement {
  const id = freshId();
  const phrase = element('textarea', {
    id,
    rows: '3',
    autocomplete: 'off',
    spellcheck: 'false',
    autocapitalize: 'none',
  });
  const fields = commonFields('Choose a password');
  return section(
    'Use a recovery phrase',
    form(
      {
        submit: 'Import',
        busy: 'encrypting …',
        run: async () => {
          fields.check();
          keep(
            store,
            fields,
            await (await keys()).keystoreOfPhrase(phrase.value, fields.password(), fields.name()),
          );
          phrase.value = '';
        },
      },
      element('div', { class: 'field' }, element('label', { for: id }, 'Recovery phrase'), phrase),
      ...fields.nodes,
    ),
  );
}

export function importFileForm(store: WalletStore): HTMLElement {
  const file = field({
    label: 'Key file (JSON)',
    type: 'file',
    hint: 'As exported here, by the alice command or by Polkadot wallets.',
  });
  file.input.accept = 'application/json,.json';
  const fields = commonFields('Password of the key file', { isNew: false });
  return section(
    'Use a key file',
    form(
      {
        submit: 'Import',
        busy: 'opening …',
        run: async () => {
          const chosen = file.input.files?.[0];
          if (!chosen) throw new WebError({ code: 'WALLET_INPUT', field: 'file' }, 'choose a key file first');
          const { keystoreOfFile } = await keys();
          keep(store, fields, await keystoreOfFile(await chosen.text(), fields.password(), fields.name()));
        },
      },
      file.node,
      ...fields.nodes,
    ),
  );
}

interface CommonFields {
  readonly nodes: readonly HTMLElement[];
  name(): string;
  password(): string;
  /** Throws `WALLET_INPUT` when the two passwords differ or are too short. */
  check(): void;
}

function commonFields(
  passwordLabel: string,
  { isNew = true }: { readonly isNew?: boolean } = {},
): CommonFields {
  const name = field({ label: 'Name, for you', value: 'my wallet' });
  const autocomplete = isNew ? 'new-password' : 'current-password';
  const password = field({
    label: passwordLabel,
    type: 'password',
    autocomplete,
    hint: isNew ? 'At least 8 characters; asked for whenever you send.' : '',
  });
  const again: Field | undefined = isNew
    ? field({ label: 'The password again', type: 'password', autocomplete })
    : undefined;
  return {
    nodes: [name.node, password.node, ...(again ? [again.node] : [])],
    name: () => name.input.value.trim() || 'my wallet',
    password: () => password.input.value,
    check: () => {
      const problem = (text: string) => new WebError({ code: 'WALLET_INPUT', field: 'password' }, text);
      if (password.input.value.length < 8) throw problem('the password needs at least 8 characters');
      if (again && again.input.value !== password.input.value) throw problem('the two passwords differ');
    },
  };
}

function keep(store: WalletStore, fields: CommonFields, keystore: KeystoreJson): void {
  store.add({ name: fields.name(), address: keystore.address, keystore });
  window.location.hash = `#/wallet/${keystore.address}`;
}
