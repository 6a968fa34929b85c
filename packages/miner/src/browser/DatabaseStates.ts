/** @file A miner's states in the browser's database, one record each: residual, optimiser, unsent work, weights. */
import type { LoadedState, StateContent, States } from '../states.js';
import { answered, STATES, written } from './database.js';

interface Record<Facts> {
  readonly facts: Facts;
  readonly parts: readonly (readonly [string, Uint8Array])[];
}

export class DatabaseStates implements States {
  readonly place = "this browser's storage";
  readonly #database: IDBDatabase;

  constructor(database: IDBDatabase) {
    this.#database = database;
  }

  async load<Facts>(name: string): Promise<LoadedState<Facts>> {
    const store = this.#database.transaction(STATES).objectStore(STATES);
    const record = (await answered(store.get(name))) as Record<Facts> | undefined;
    if (record === undefined) return { found: 'missing' };
    return { found: 'good', facts: record.facts, parts: new Map(record.parts) };
  }

  save(name: string, { facts, parts }: StateContent<unknown>): Promise<void> {
    // A view is stored with all memory behind it, so parts of larger arrays are cut out first.
    const own = [...parts].map(([key, bytes]) => [key, whole(bytes)] as const);
    const record: Record<unknown> = { facts, parts: own };
    return written(this.#database, [STATES], (transaction) => {
      transaction.objectStore(STATES).put(record, name);
    });
  }
}

function whole(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice();
}
