/**
 * @file The chain on disk, in one LMDB environment: the flat state at the head, blocks, an extrinsic index, and for
 * every block the values it overwrote, so that the state of recent blocks can still be read. One block is one
 * write transaction: after a kill at any instruction the store reopens at a whole block. It knows nothing of the
 * trie or of validity.
 * Limit: states older than `keepStates` blocks are discarded (blocks are not); `keepStates: Infinity` is an archive.
 */
import { mkdirSync, realpathSync } from 'node:fs';
import { type HexString, messageOf } from '@alice/protocol';
import type { StateChanges } from '@alice/runtime';
import type { Database, RootDatabase } from 'lmdb';
import type { Block } from '../block.js';
import { NodeError } from '../errors.js';
import { type BlockRecord, fromRecord, toRecord } from './blockRecord.js';
import { bytesOfHex } from './bytesOfHex.js';
import { type ExclusiveEnvironment, openExclusively } from './directoryLock.js';
import { History } from './History.js';
import { afterPrefix, isStorable, numberKey, rangeStart } from './keys.js';

/** Bumped when the layout on disk changes. */
const FORMAT = 1;
/** The first start writes its genesis within so many transactions of the database; later there is always a head. */
const MOST_FIRST_TRANSACTIONS = 64;
/** How many recent blocks stay decoded in memory. */
const CACHED_BLOCKS = 64;

export interface StoreOptions {
  readonly dir: string;
  /** How many blocks behind the head states stay readable; `Infinity` keeps all. */
  readonly keepStates: number;
}

/** Where an extrinsic ended up. */
export interface IncludedExtrinsic {
  readonly blockNumber: number;
  readonly index: number;
}

type Binary = Database<Uint8Array, Uint8Array>;

export class ChainStore {
  readonly history: History;
  readonly #env: RootDatabase<unknown, string>;
  readonly #state: Binary;
  readonly #blocks: Database<BlockRecord, Uint8Array>;
  readonly #numbers: Binary;
  readonly #extrinsics: Binary;
  readonly #meta: Database<unknown, string>;
  readonly #release: () => void;
  readonly #dir: string;
  readonly #recent = new Map<number, Block>();
  #head: Block | undefined;

  /** Opens or creates the store. Throws `NODE_DIR_LOCKED`, `STORE_FORMAT`, `STORE_CORRUPT`. */
  constructor({ dir, keepStates }: StoreOptions) {
    this.#dir = dir;
    mkdirSync(dir, { recursive: true });
    ({ env: this.#env, release: this.#release } = opened(dir));
    try {
      const binary = { keyEncoding: 'binary', encoding: 'binary' } as const;
      this.#meta = this.#env.openDB({ name: 'meta', encoding: 'msgpack' });
      this.#checkWhole(dir);
      this.#checkFormat(dir);
      this.#state = this.#env.openDB({ name: 'state', ...binary });
      this.#blocks = this.#env.openDB({ name: 'blocks', keyEncoding: 'binary', encoding: 'msgpack' });
      this.#numbers = this.#env.openDB({ name: 'numbers', ...binary });
      this.#extrinsics = this.#env.openDB({ name: 'extrinsics', ...binary });
      this.history = new History({
        values: this.#env.openDB({ name: 'history', ...binary }),
        changed: this.#env.openDB({ name: 'changed', keyEncoding: 'binary', encoding: 'msgpack' }),
        keepStates,
      });
      const head = this.#meta.get('head');
      if (typeof head === 'number') this.#head = this.blockByNumber(head) ?? corrupt(dir);
    } catch (error) {
      void this.close();
      throw translated(dir, error);
    }
  }

  get head(): Block | undefined {
    return this.#head;
  }

  /** A value at the head. The bytes are the caller's own. */
  get(key: Uint8Array): Uint8Array | undefined {
    return isStorable(key) ? owned(this.#state.get(key)) : undefined;
  }

  /** A value as it was after block `number`, which must not be older than `oldestState`. */
  getAt(key: Uint8Array, number: number): Uint8Array | undefined {
    if (!isStorable(key)) return undefined;
    const kept = number === this.#head?.header.number ? undefined : this.history.before(key, number + 1);
    return kept ? kept.value : this.get(key);
  }

  /** The oldest block whose state can be read. */
  get oldestState(): number {
    const oldest = this.#meta.get('oldestState');
    return typeof oldest === 'number' ? oldest : 0;
  }

  /** Keys at the head in byte order, from `from` (inclusive) while they have `prefix`. */
  *keys(prefix: Uint8Array, from: Uint8Array = prefix): IterableIterator<Uint8Array> {
    if (prefix.length > 0 && !isStorable(prefix)) return;
    const start = rangeStart(from);
    const end = afterPrefix(prefix);
    for (const key of this.#state.getKeys(end ? { start, end } : { start })) yield new Uint8Array(key);
  }

  /** The whole state at the head. Throws `STORE_CORRUPT`. */
  *entries(): IterableIterator<readonly [Uint8Array, Uint8Array]> {
    try {
      for (const { key, value } of this.#state.getRange({}))
        yield [new Uint8Array(key), new Uint8Array(value)];
    } catch (error) {
      throw translated(this.#dir, error);
    }
  }

  blockByNumber(number: number): Block | undefined {
    const cached = this.#recent.get(number);
    if (cached) return cached;
    const record = this.#blocks.get(numberKey(number));
    return record ? fromRecord(record) : undefined;
  }

  numberOf(hash: HexString): number | undefined {
    const bytes = this.#numbers.get(bytesOfHex(hash));
    return bytes ? readU32(bytes, 0) : undefined;
  }

  extrinsic(hash: HexString): IncludedExtrinsic | undefined {
    const bytes = this.#extrinsics.get(bytesOfHex(hash));
    return bytes ? { blockNumber: readU32(bytes, 0), index: readU32(bytes, 4) } : undefined;
  }

  /** A fact kept beside the chain, such as the hash of its specification. */
  fact(name: string): unknown {
    return this.#meta.get(`fact:${name}`);
  }

  /** Writes a fact outside any block. */
  putFact(name: string, value: unknown): void {
    this.#env.transactionSync(() => this.#meta.putSync(`fact:${name}`, value));
  }

  /**
   * Writes a block and all it changed in one transaction, durable on return. Cost: the changes of the block.
   * Throws `BLOCK_OUT_OF_ORDER`; on any error nothing is written.
   */
  commit(block: Block, changes: StateChanges, facts: Readonly<Record<string, unknown>> = {}): void {
    const expected = this.#head ? this.#head.header.number + 1 : 0;
    const { number } = block.header;
    if (number !== expected)
      throw new NodeError(
        { code: 'BLOCK_OUT_OF_ORDER', got: number, expected },
        `the next block is ${expected}, not ${number}`,
      );
    this.#env.transactionSync(() => {
      this.#writeState(number, changes);
      this.#writeBlock(block);
      for (const [name, value] of Object.entries(facts)) this.#meta.putSync(`fact:${name}`, value);
      this.#meta.putSync('oldestState', this.history.prune(number, this.oldestState));
      this.#meta.putSync('head', number);
    });
    this.#head = block;
    this.#recent.set(number, block);
    this.#recent.delete(number - CACHED_BLOCKS);
  }

  /**
   * Makes `entries` the state and `block` the head of a store that has block 0 only, in one transaction. Its extrinsics
   * are not indexed: which of them failed is not known here. Throws `CHAIN_NOT_EMPTY`.
   */
  restore(block: Block, entries: Iterable<readonly [Uint8Array, Uint8Array]>): void {
    const { number } = block.header;
    const headNumber = this.#head?.header.number;
    if (headNumber !== 0)
      throw new NodeError(
        { code: 'CHAIN_NOT_EMPTY', blockNumber: headNumber ?? -1 },
        'only a chain that is at block 0 can be restored from a snapshot: use a new directory',
      );
    this.#env.transactionSync(() => {
      this.#state.clearSync();
      for (const [key, value] of entries) this.#state.putSync(key, value);
      this.#blocks.putSync(numberKey(number), toRecord(block));
      this.#numbers.putSync(bytesOfHex(block.hash), numberKey(number));
      this.#meta.putSync('oldestState', number);
      this.#meta.putSync('head', number);
    });
    this.#head = block;
    this.#recent.set(number, block);
  }

  async close(): Promise<void> {
    await this.#env.close();
    this.#release();
  }

  #writeState(number: number, changes: StateChanges): void {
    const keys: Uint8Array[] = [];
    for (const [hex, value] of changes) {
      const key = bytesOfHex(hex);
      if (!isStorable(key)) throw new Error('cannot happen: storage keys are hashes and short suffixes');
      keys.push(key);
      // Genesis overwrites nothing: there is no state before it.
      if (number > 0) this.history.remember(key, number, this.#state.get(key));
      if (value) this.#state.putSync(key, value);
      else this.#state.removeSync(key);
    }
    if (number > 0) this.history.rememberKeys(number, keys);
  }

  #writeBlock(block: Block): void {
    const { number } = block.header;
    this.#blocks.putSync(numberKey(number), toRecord(block));
    this.#numbers.putSync(bytesOfHex(block.hash), numberKey(number));
    block.results.forEach(({ hash }, index) => {
      const place = new Uint8Array(8);
      place.set(numberKey(number), 0);
      place.set(numberKey(index), 4);
      this.#extrinsics.putSync(bytesOfHex(hash), place);
    });
  }

  /**
   * LMDB reads pages that a damaged file lacks as empty ones: an old chain would seem to be a new one, and start again at
   * block 0. How many transactions it has seen is on another page.
   */
  #checkWhole(dir: string): void {
    const { lastTxnId } = this.#env.getStats() as { readonly lastTxnId: number };
    const seemsNew = this.#meta.get('format') === undefined || typeof this.#meta.get('head') !== 'number';
    if (seemsNew && lastTxnId > MOST_FIRST_TRANSACTIONS) corrupt(dir);
  }

  #checkFormat(dir: string): void {
    const found = this.#meta.get('format');
    if (found === FORMAT) return;
    if (found === undefined) return void this.#meta.putSync('format', FORMAT);
    throw new NodeError(
      { code: 'STORE_FORMAT', dir, found: Number(found), expected: FORMAT },
      `${dir} was written by another release (format ${String(found)}, this one reads ${FORMAT}): use that release or a new directory`,
    );
  }
}

function owned(bytes: Uint8Array | undefined): Uint8Array | undefined {
  return bytes && new Uint8Array(bytes);
}

function readU32(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(at);
}

function opened(dir: string): ExclusiveEnvironment {
  try {
    return openExclusively(realpathSync(dir));
  } catch (error) {
    throw translated(dir, error);
  }
}

/** What LMDB says of a page that is not what it should be, in our words. */
function translated(dir: string, error: unknown): unknown {
  return /^MDB_(CORRUPTED|PAGE_NOTFOUND|INVALID|PANIC)/.test(messageOf(error)) ? damaged(dir, error) : error;
}

function corrupt(dir: string): never {
  throw damaged(dir);
}

function damaged(dir: string, cause?: unknown): NodeError {
  return new NodeError(
    { code: 'STORE_CORRUPT', dir },
    `the database in ${dir} is damaged (cut off, or overwritten): restore the directory from a backup or start a new one`,
    { cause },
  );
}
