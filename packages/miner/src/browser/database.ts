/**
 * @file The browser's database of one network: states, and downloads with the time each was last used. A transaction is
 * written whole or not at all, also when the tab is closed in the middle; the browser checks what it reads itself.
 */

export const STATES = 'states';
export const BYTES = 'bytes';
export const ITEMS = 'items';
const PREFIX = 'alice-miner-';

/** One database a network: what was kept for another is worthless in this one. */
export function databaseName(networkId: string): string {
  return `${PREFIX}${networkId.slice(2, 34)}`;
}

/** Opens or makes it. Fails where the browser keeps nothing for this page, as in some private windows. */
export function openDatabase(name: string): Promise<IDBDatabase> {
  const opening = indexedDB.open(name, 1);
  opening.onupgradeneeded = () => {
    for (const store of [STATES, BYTES, ITEMS]) opening.result.createObjectStore(store);
  };
  return answered(opening);
}

/** Removes the databases of other networks that this server's address has had before. */
export async function forgetOtherNetworks(name: string): Promise<void> {
  const all = (await indexedDB.databases?.()) ?? [];
  for (const { name: other } of all)
    if (other?.startsWith(PREFIX) && other !== name) indexedDB.deleteDatabase(other);
}

export function answered<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** Runs `write` in one transaction and resolves once it is on disk. */
export function written(
  database: IDBDatabase,
  stores: readonly string[],
  write: (transaction: IDBTransaction) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const transaction = database.transaction([...stores], 'readwrite', { durability: 'strict' });
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
    write(transaction);
  });
}
