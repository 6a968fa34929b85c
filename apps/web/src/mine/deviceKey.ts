/**
 * @file This browser's own mining key. The phrase lies in the browser's database encrypted by an AES key that the
 * browser keeps and gives to nobody, not even to this page's scripts: copied files alone are worth nothing. Other
 * scripts of this page could still ask the browser to decrypt, so small sums belong here and rewards in a wallet.
 */
import { initCrypto, keyPairFromSecret, newMnemonic } from '@alice/protocol';
import { WebError } from '../errors.js';

const DATABASE = 'alice-keys';
const STORE = 'keys';
const NAME = 'mining';

interface SealedKey {
  readonly wrapping: CryptoKey;
  readonly iv: Uint8Array<ArrayBuffer>;
  readonly sealed: ArrayBuffer;
}

/** The phrase of the mining key, made at the first call. Throws `CONTEXT_INSECURE`, `WALLET_STORE`. */
export async function devicePhrase(): Promise<string> {
  if (globalThis.crypto?.subtle === undefined)
    throw new WebError(
      { code: 'CONTEXT_INSECURE' },
      'browsers let a page keep keys and compute only over https, or from this computer itself (http://127.0.0.1): open the page that way',
    );
  await initCrypto();
  const database = await opened();
  try {
    const kept = await readKey(database);
    if (kept) return await unsealed(kept);
    const phrase = newMnemonic();
    await addKey(database, await sealedKey(phrase));
    // Another tab may have added its key first; the one in the database counts.
    return await unsealed((await readKey(database))!);
  } finally {
    database.close();
  }
}

export async function deviceAddress(): Promise<string> {
  return keyPairFromSecret(await devicePhrase()).address;
}

async function sealedKey(phrase: string): Promise<SealedKey> {
  const wrapping = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, [
    'encrypt',
    'decrypt',
  ]);
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const sealed = await crypto.subtle.encrypt(
    { name: 'AES-GCM', iv },
    wrapping,
    new TextEncoder().encode(phrase),
  );
  return { wrapping, iv, sealed };
}

async function unsealed({ wrapping, iv, sealed }: SealedKey): Promise<string> {
  return new TextDecoder().decode(await crypto.subtle.decrypt({ name: 'AES-GCM', iv }, wrapping, sealed));
}

function opened(): Promise<IDBDatabase> {
  const opening = indexedDB.open(DATABASE, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
  return answered(opening);
}

async function readKey(database: IDBDatabase): Promise<SealedKey | undefined> {
  return answered(database.transaction(STORE).objectStore(STORE).get(NAME));
}

/** Adds it unless there is one, and resolves once it is on disk: a key that may be lost must not be paid. */
function addKey(database: IDBDatabase, key: SealedKey): Promise<void> {
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(STORE, 'readwrite', { durability: 'strict' });
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(storeError(transaction.error));
    const adding = transaction.objectStore(STORE).add(key, NAME);
    adding.onerror = (event) => event.preventDefault(); // there is one already: the transaction goes on without
  });
}

function answered<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(storeError(request.error));
  });
}

function storeError(error: DOMException | null): WebError {
  const detail = error?.message ?? 'no reason given';
  return new WebError(
    { code: 'WALLET_STORE', detail },
    `this browser keeps nothing for this page (${detail}): leave the private window, or allow storage for this page`,
  );
}
