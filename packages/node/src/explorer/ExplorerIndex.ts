/**
 * @file What an explorer needs beside the chain itself, in a database of its own: the events of every indexed block as
 * the runtime wrote them, and which accounts each block changed. Nothing is decoded here, so indexing costs little; the
 * words come when someone asks. It may be deleted at any time: it is built again from what the node still has.
 * Limit: the newest `keepBlocks` blocks. Blocks whose state is gone can no longer be indexed.
 */
import { rmSync } from 'node:fs';
import { type Logger, messageOf } from '@alice/protocol';
import { type Database, open, type RootDatabase } from 'lmdb';
import type { Block } from '../block.js';
import type { Chain } from '../Chain.js';
import { bytesOfHex } from '../store/bytesOfHex.js';
import { numberKey } from '../store/keys.js';

export interface ExplorerIndexOptions {
  readonly dir: string;
  readonly keepBlocks: number;
  readonly log: Logger;
}

/** Twox128("System") ++ Twox128("Events"). */
const EVENTS = bytesOfHex('0x26aa394eea5630e07c48ae0c9558cef780d41e5e16056765bc8461851072c9d7');
/** Twox128("System") ++ Twox128("Account"); Blake2_128 of the account and the account follow. */
export const ACCOUNTS = bytesOfHex('0x26aa394eea5630e07c48ae0c9558cef7b99d880ec681799c0cf30e8886371da9');
const ACCOUNT_KEY_BYTES = 32 + 16 + 32;
const FORMAT = 1;
const PRUNE_BATCH = 64;
/** Blocks indexed per turn of the event loop when catching up. */
const CATCH_UP_BATCH = 20;

interface Range {
  readonly from: number;
  readonly to: number;
}

export class ExplorerIndex {
  readonly #chain: Chain;
  readonly #options: ExplorerIndexOptions;
  readonly #env: RootDatabase<unknown, string>;
  readonly #events: Database<Uint8Array, Uint8Array>;
  /** `account | block number`, nothing else. */
  readonly #accounts: Database<Uint8Array, Uint8Array>;
  /** Block number → its accounts, for pruning. */
  readonly #touched: Database<Uint8Array, Uint8Array>;
  #range: Range | undefined;
  #isClosed = false;

  constructor(chain: Chain, options: ExplorerIndexOptions) {
    this.#chain = chain;
    this.#options = options;
    this.#env = openIndex(options.dir);
    const binary = { keyEncoding: 'binary', encoding: 'binary' } as const;
    this.#events = this.#env.openDB({ name: 'events', ...binary });
    this.#accounts = this.#env.openDB({ name: 'accounts', ...binary });
    this.#touched = this.#env.openDB({ name: 'touched', ...binary });
    this.#range = this.#env.get('range') as Range | undefined;
  }

  /** The blocks that can be asked about; `undefined` before the first. */
  get range(): Range | undefined {
    return this.#range;
  }

  /** Takes the blocks that came while the index was away, a few at a time, oldest first. */
  async catchUp(): Promise<void> {
    const head = (): number => this.#chain.head.header.number;
    const { keepBlocks } = this.#options;
    for (;;) {
      const oldest = Math.max(1, this.#chain.oldestState, head() - keepBlocks + 1);
      const next = Math.max(oldest, (this.#range?.to ?? 0) + 1);
      if (this.#isClosed || next > head()) return;
      for (let number = next; number < next + CATCH_UP_BATCH && number <= head(); number++)
        this.#index(number);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** To be called after every committed block; a gap is left to `catchUp`. */
  onBlock({ header: { number } }: Block): void {
    if (this.#isClosed) return;
    const isNext = this.#range ? number === this.#range.to + 1 : number === 1;
    if (isNext) this.#index(number);
    else
      void this.catchUp().catch((error: unknown) =>
        this.#options.log.warn('The explorer index is behind', { error: messageOf(error) }),
      );
  }

  /** `System.Events` of an indexed block, as stored. */
  events(number: number): Uint8Array | undefined {
    const bytes = this.#events.get(numberKey(number));
    return bytes && new Uint8Array(bytes);
  }

  /** Indexed blocks that changed the account, newest first, before a block. */
  blocksOf(account: Uint8Array, { before, limit }: { before: number; limit: number }): number[] {
    const found: number[] = [];
    // A reverse range includes its start and leaves out its end.
    const range = { start: entryKey(account, before - 1), end: account, reverse: true, limit };
    if (before <= 0) return found;
    for (const key of this.#accounts.getKeys(range)) {
      const view = new DataView(key.buffer, key.byteOffset, key.byteLength);
      if (key.byteLength === 36) found.push(view.getUint32(32));
    }
    return found;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#env.close();
  }

  #index(number: number): void {
    const block = this.#chain.blockByNumber(number);
    if (!block || number < this.#chain.oldestState) return;
    const accounts = [...this.#chain.changedKeys(number)].flatMap(accountOf);
    const events = this.#chain.stateAt(block.hash).get(EVENTS) ?? new Uint8Array();
    const isNext = this.#range !== undefined && number === this.#range.to + 1;
    const from = isNext ? this.#range!.from : number;
    this.#env.transactionSync(() => {
      if (!isNext) this.#forgetAll();
      this.#events.putSync(numberKey(number), events);
      this.#touched.putSync(numberKey(number), Buffer.concat(accounts));
      for (const account of accounts) this.#accounts.putSync(entryKey(account, number), NOTHING);
      this.#range = { from: this.#prune(from, number), to: number };
      this.#env.putSync('range', this.#range);
    });
  }

  /** After a gap, what was before it is of no use: histories would have holes. */
  #forgetAll(): void {
    for (const table of [this.#events, this.#accounts, this.#touched]) table.clearSync();
  }

  /** Forgets blocks that are too old; returns the new oldest one. */
  #prune(from: number, head: number): number {
    const target = Math.min(Math.max(from, head - this.#options.keepBlocks + 1), from + PRUNE_BATCH);
    for (let number = from; number < target; number++) {
      const accounts = this.#touched.get(numberKey(number)) ?? NOTHING;
      for (let at = 0; at < accounts.length; at += 32)
        this.#accounts.removeSync(entryKey(accounts.subarray(at, at + 32), number));
      this.#touched.removeSync(numberKey(number));
      this.#events.removeSync(numberKey(number));
    }
    return target;
  }
}

const NOTHING = new Uint8Array();

function entryKey(account: Uint8Array, number: number): Uint8Array {
  const key = new Uint8Array(36);
  key.set(account, 0);
  key.set(numberKey(number), 32);
  return key;
}

function accountOf(key: Uint8Array): Uint8Array[] {
  const isAccount = key.length === ACCOUNT_KEY_BYTES && ACCOUNTS.every((byte, i) => key[i] === byte);
  return isAccount ? [key.slice(48)] : [];
}

/** Durable enough: what a power cut takes is indexed again. An index of another format is thrown away. */
function openIndex(dir: string): RootDatabase<unknown, string> {
  const opened = (): RootDatabase<unknown, string> =>
    open({ path: dir, noSubdir: false, maxDbs: 4, noSync: true });
  let env = opened();
  const format = env.get('format');
  if (format !== undefined && format !== FORMAT) {
    void env.close();
    rmSync(dir, { recursive: true, force: true });
    env = opened();
  }
  env.putSync('format', FORMAT);
  return env;
}
