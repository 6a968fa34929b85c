/** @file Downloads in the browser's database. Sizes and times lie beside the bytes, so that listing reads no bytes. */
import { type HashHex, sha256HexByPlatform } from '@alice/protocol';
import type { ByteStore, StoredItem } from '../ByteStore.js';
import { answered, BYTES, ITEMS, written } from './database.js';

export class DatabaseBytes implements ByteStore {
  readonly #database: IDBDatabase;

  constructor(database: IDBDatabase) {
    this.#database = database;
  }

  list(): Promise<readonly StoredItem[]> {
    return answered(this.#database.transaction(ITEMS).objectStore(ITEMS).getAll());
  }

  async read(name: string): Promise<Uint8Array | undefined> {
    const store = this.#database.transaction(BYTES).objectStore(BYTES);
    return answered(store.get(name)).catch(() => undefined);
  }

  write(name: string, bytes: Uint8Array): Promise<void> {
    const item: StoredItem = { name, sizeBytes: bytes.length, usedAtMs: Date.now() };
    return written(this.#database, [BYTES, ITEMS], (transaction) => {
      transaction.objectStore(BYTES).put(bytes.slice(), name);
      transaction.objectStore(ITEMS).put(item, name);
    });
  }

  async touch(name: string, usedAtMs: number): Promise<void> {
    const store = this.#database.transaction(ITEMS, 'readwrite').objectStore(ITEMS);
    const item: StoredItem | undefined = await answered(store.get(name));
    if (item) await answered(store.put({ ...item, usedAtMs }, name)).catch(() => undefined);
  }

  remove(name: string): Promise<void> {
    return written(this.#database, [BYTES, ITEMS], (transaction) => {
      for (const store of [BYTES, ITEMS]) transaction.objectStore(store).delete(name);
    });
  }

  hashOf(bytes: Uint8Array): Promise<HashHex> {
    return sha256HexByPlatform(bytes);
  }
}
