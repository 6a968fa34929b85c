/**
 * @file The wallets this browser keeps: name, address and the key file, encrypted by the person's password. A key or a
 * phrase in the open never comes here. Stored in `localStorage`, so per browser and per server address.
 */
import { type KeystoreJson, messageOf } from '@alice/protocol';
import { WebError } from '../errors.js';

export interface StoredWallet {
  readonly name: string;
  readonly address: string;
  readonly keystore: KeystoreJson;
}

const STORAGE_KEY = 'alice.wallets';
type Store = Pick<Storage, 'getItem' | 'setItem'>;

export class WalletStore {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Throws `WALLET_STORE` when what lies there is not ours: better than writing over keys. */
  list(): StoredWallet[] {
    let kept: unknown;
    try {
      kept = JSON.parse(this.#store.getItem(STORAGE_KEY) ?? '[]');
    } catch (error) {
      throw storeError(messageOf(error));
    }
    if (!Array.isArray(kept) || !kept.every(isWallet)) throw storeError('it is not a list of wallets');
    return kept;
  }

  /** A wallet of the same address is replaced. Throws `WALLET_STORE`, and `WALLET_INPUT` for a key in the open. */
  add(wallet: StoredWallet): void {
    if (!isEncrypted(wallet.keystore))
      throw new WebError(
        { code: 'WALLET_INPUT', field: 'password' },
        'a key is only kept encrypted: choose a password',
      );
    this.#write([...this.list().filter(({ address }) => address !== wallet.address), wallet]);
  }

  remove(address: string): void {
    this.#write(this.list().filter((wallet) => wallet.address !== address));
  }

  #write(wallets: readonly StoredWallet[]): void {
    try {
      this.#store.setItem(STORAGE_KEY, JSON.stringify(wallets));
    } catch (error) {
      throw storeError(messageOf(error));
    }
  }
}

const isEncrypted = ({ encoding }: KeystoreJson): boolean =>
  String(encoding.type) === 'scrypt,xsalsa20-poly1305';

function isWallet(value: unknown): value is StoredWallet {
  if (typeof value !== 'object' || value === null) return false;
  const { name, address, keystore } = value as Record<string, unknown>;
  const isNamed = typeof name === 'string' && typeof address === 'string';
  return isNamed && typeof keystore === 'object' && keystore !== null && 'encoding' in keystore;
}

function storeError(detail: string): WebError {
  return new WebError(
    { code: 'WALLET_STORE', detail },
    `this browser's storage cannot be used for wallets (${detail}): allow storage for this page, or use an exported key file elsewhere`,
  );
}
