/**
 * @file What recent blocks overwrote, so that older states can be read: per changed key and block the value before
 * that block, found by one range look-up, and per block the list of its changed keys, for pruning and for rebuilding
 * an older trie. All writes happen inside the store's block transaction.
 */
import { concatBytes } from '@alice/protocol';
import type { Database } from 'lmdb';
import { historyKey, numberKey } from './keys.js';

/** First byte of a kept value: the key did not exist, or it held the bytes that follow. */
const ABSENT = Uint8Array.of(0);
const PRESENT = Uint8Array.of(1);
const LAST_BLOCK = 0xffff_ffff;
/** Blocks pruned per commit at most, so that a lowered limit does not stall one block. */
const PRUNE_BATCH = 256;

export interface HistoryTables {
  readonly values: Database<Uint8Array, Uint8Array>;
  readonly changed: Database<readonly Uint8Array[], Uint8Array>;
  readonly keepStates: number;
}

export class History {
  readonly #tables: HistoryTables;

  constructor(tables: HistoryTables) {
    this.#tables = tables;
  }

  /** What `key` held before block `number` changed it. */
  remember(key: Uint8Array, number: number, value: Uint8Array | undefined): void {
    this.#tables.values.putSync(historyKey(key, number), value ? concatBytes(PRESENT, value) : ABSENT);
  }

  rememberKeys(number: number, keys: readonly Uint8Array[]): void {
    this.#tables.changed.putSync(numberKey(number), keys);
  }

  /** The value `key` had before the first change at or after block `from`; `undefined` when none changed it. */
  before(key: Uint8Array, from: number): { readonly value: Uint8Array | undefined } | undefined {
    const range = { start: historyKey(key, from), end: historyKey(key, LAST_BLOCK), limit: 1 };
    for (const { value } of this.#tables.values.getRange(range))
      return { value: value[0] === 1 ? new Uint8Array(value.subarray(1)) : undefined };
    return undefined;
  }

  /** The keys that blocks `from` to `to` changed, both included; may repeat. */
  *changedKeys(from: number, to: number): IterableIterator<Uint8Array> {
    for (let number = from; number <= to; number++)
      for (const key of this.#tables.changed.get(numberKey(number)) ?? []) yield new Uint8Array(key);
  }

  /** Forgets what no readable state needs once `head` is written; returns the new oldest readable block. */
  prune(head: number, oldest: number): number {
    const target = Math.min(Math.max(oldest, head - this.#tables.keepStates), oldest + PRUNE_BATCH);
    // The state of block N needs what blocks N+1, N+2, … overwrote, so block N itself can go.
    for (let number = oldest + 1; number <= target; number++) {
      for (const key of this.changedKeys(number, number))
        this.#tables.values.removeSync(historyKey(key, number));
      this.#tables.changed.removeSync(numberKey(number));
    }
    return target;
  }
}
