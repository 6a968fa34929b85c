/**
 * @file The chain an engine extends and the RPC layer reads: the store, the state trie of the head in memory, and the
 * derived headers. Engines decide WHICH block comes next and when; this file turns a runtime's output into a sealed
 * block, commits it and answers for any block whose state is kept.
 * Invariant: the trie's root equals the head's state root; it is checked against the flat state at every start.
 * Cost: starting reads the whole state (about 1.5 s per 100,000 accounts).
 */
import { type HexString, toHex, utf8 } from '@alice/protocol';
import type { BlockInput, BlockOutput, StateChanges, StateView } from '@alice/runtime';
import { type Block, type Header, hashHeader, NO_PARENT } from './block.js';
import { NodeError } from './errors.js';
import { bytesOfHex } from './store/bytesOfHex.js';
import type { ChainStore, IncludedExtrinsic } from './store/ChainStore.js';
import { orderedRoot } from './trie/orderedRoot.js';
import { Trie } from './trie/Trie.js';

/** How many recent tries stay in memory for proofs; older ones are rebuilt on demand. */
const KEPT_TRIES = 32;
/** `:code`, which a runtime rewrites in the first block of a new version. */
const CODE_KEY = toHex(utf8.encode(':code'));
/** `DigestItem::RuntimeEnvironmentUpdated`: clients look for it and load the metadata again. */
const RUNTIME_UPDATED: HexString = '0x08';

/** What block 0 is made of. */
export interface GenesisBlock {
  readonly changes: StateChanges;
  readonly timestampMs: bigint;
  /** Written once, in the same transaction. */
  readonly facts: Readonly<Record<string, unknown>>;
}

/** A block that is complete but not yet part of the chain. */
export interface SealedBlock {
  readonly block: Block;
  readonly changes: StateChanges;
  readonly trie: Trie;
}

export class Chain {
  readonly #store: ChainStore;
  readonly #tries = new Map<number, Trie>();
  readonly #genesisHash: HexString;
  #trie: Trie;
  #head: Block;

  /** Over an open store, to which it writes block 0 when it is empty. Throws `STATE_CORRUPT`, `BLOCK_CORRUPT`. */
  constructor(store: ChainStore, genesis: () => GenesisBlock) {
    this.#store = store;
    this.#trie = Trie.from(store.entries());
    this.#head = store.head ? whole(store.head) : this.#writeGenesis(genesis());
    this.#genesisHash = this.blockByNumber(0)?.hash ?? corrupt(0);
    const actual = toHex(this.#trie.root());
    const { stateRoot: expected, number: blockNumber } = this.#head.header;
    if (actual !== expected)
      throw new NodeError(
        { code: 'STATE_CORRUPT', blockNumber, expected, actual },
        `the state on disk does not belong to block ${blockNumber}: restore the directory from a backup or start a new one`,
      );
    this.#tries.set(blockNumber, this.#trie);
  }

  get head(): Block {
    return this.#head;
  }

  get genesisHash(): HexString {
    return this.#genesisHash;
  }

  /** The state at the head, always the present one. */
  readonly headState: StateView = { get: (key) => this.#store.get(key) };

  /** Seals what the runtime made of `input` and commits it. Throws what the store throws; then nothing changed. */
  append(input: BlockInput, output: BlockOutput, digest: readonly HexString[] = []): Block {
    return this.commit(this.seal(input, output, digest));
  }

  /** The block that `output` makes on top of the head, its hash included; nothing is written or remembered. */
  seal(input: BlockInput, output: BlockOutput, digest: readonly HexString[] = []): SealedBlock {
    const trie = appliedTo(this.#trie, output.changes);
    const header: Header = {
      parentHash: input.parentHash,
      number: input.number,
      stateRoot: toHex(trie.root()),
      extrinsicsRoot: toHex(orderedRoot(output.extrinsics)),
      digest: output.changes.has(CODE_KEY) ? [...digest, RUNTIME_UPDATED] : digest,
    };
    const { extrinsics, results } = output;
    const block: Block = {
      hash: hashHeader(header),
      header,
      timestampMs: input.timestampMs,
      extrinsics,
      results,
    };
    return { block, changes: output.changes, trie };
  }

  /** Writes a sealed block. Throws what the store throws, among it `BLOCK_OUT_OF_ORDER`; then nothing changed. */
  commit({ block, changes, trie }: SealedBlock): Block {
    this.#store.commit(block, changes);
    this.#advance(block, trie);
    return block;
  }

  /** The whole state at the head in key order, as it is when the first entry is read. */
  entries(): IterableIterator<readonly [Uint8Array, Uint8Array]> {
    return this.#store.entries();
  }

  /**
   * Jumps from block 0 to a block whose state was checked against its header. Blocks in between stay unknown.
   * Throws what the store throws; then nothing changed.
   */
  restore(from: { block: Block; trie: Trie; entries: Iterable<readonly [Uint8Array, Uint8Array]> }): void {
    this.#store.restore(from.block, from.entries);
    this.#tries.clear();
    this.#advance(from.block, from.trie);
  }

  /** The oldest block whose state can be read. */
  get oldestState(): number {
    return this.#store.oldestState;
  }

  /** The storage keys that a block changed, while its state is kept. */
  changedKeys(number: number): IterableIterator<Uint8Array> {
    return this.#store.history.changedKeys(number, number);
  }

  /** The height of a block whose state is kept; the head's without a hash. Throws as `stateAt` does. */
  numberAt(hash?: HexString): number {
    return this.#readable(hash);
  }

  /** Throws `BLOCK_CORRUPT` rather than tell of a block that was not. */
  blockByNumber(number: number): Block | undefined {
    if (number === this.#head.header.number) return this.#head;
    const block = this.#store.blockByNumber(number);
    return block && whole(block);
  }

  blockByHash(hash: HexString): Block | undefined {
    if (hash === this.#head.hash) return this.#head;
    const number = this.#store.numberOf(hash);
    return number === undefined ? undefined : this.blockByNumber(number);
  }

  extrinsic(hash: HexString): IncludedExtrinsic | undefined {
    return this.#store.extrinsic(hash);
  }

  /** The state after the block with this hash (default: the head). Throws `BLOCK_UNKNOWN`, `STATE_DISCARDED`. */
  stateAt(hash?: HexString): StateView {
    const number = this.#readable(hash);
    return number === this.#head.header.number
      ? this.headState
      : { get: (key) => this.#store.getAt(key, number) };
  }

  /**
   * Up to `limit` keys with `prefix` after `after`, in byte order, as of the given block. Cost: at an older block the
   * keys changed since then are read as well.
   */
  keysAt(query: { prefix: Uint8Array; after?: Uint8Array; limit: number; hash?: HexString }): HexString[] {
    const number = this.#readable(query.hash);
    const isHead = number === this.#head.header.number;
    const startsWith = toHex(query.prefix);
    const after = query.after ? toHex(query.after) : '';
    const touched = isHead ? new Set<HexString>() : this.#changedSince(number);
    const old = [...touched].filter((key) => key.startsWith(startsWith) && key > after).sort();
    const existed = old.filter((key) => this.#store.getAt(bytesOfHex(key), number) !== undefined);
    const found: HexString[] = [];
    const start = query.after && after > startsWith ? query.after : query.prefix;
    for (const bytes of this.#store.keys(query.prefix, start)) {
      const key = toHex(bytes);
      if (key <= after || touched.has(key)) continue;
      found.push(key);
      if (found.length >= query.limit) break;
    }
    return [...found, ...existed].sort().slice(0, query.limit);
  }

  /** Trie nodes proving what `keys` hold in the state root of a block. */
  proof(keys: readonly Uint8Array[], hash?: HexString): Uint8Array[] {
    return this.#trieAt(this.#readable(hash)).proof(keys);
  }

  #readable(hash: HexString | undefined): number {
    if (hash === undefined || hash === this.#head.hash) return this.#head.header.number;
    const number = this.#store.numberOf(hash);
    if (number === undefined)
      throw new NodeError({ code: 'BLOCK_UNKNOWN', block: hash }, `there is no block ${hash}`);
    const oldest = this.#store.oldestState;
    if (number < oldest)
      throw new NodeError(
        { code: 'STATE_DISCARDED', blockNumber: number, oldest },
        `State already discarded for block ${number}: this node keeps states from block ${oldest} on`,
      );
    return number;
  }

  #changedSince(number: number): Set<HexString> {
    const keys = new Set<HexString>();
    for (const key of this.#store.history.changedKeys(number + 1, this.#head.header.number))
      keys.add(toHex(key));
    return keys;
  }

  #trieAt(number: number): Trie {
    const kept = this.#tries.get(number);
    if (kept) return kept;
    let trie = this.#trie;
    for (const hex of this.#changedSince(number)) {
      const key = bytesOfHex(hex);
      const value = this.#store.getAt(key, number);
      trie = value ? trie.put(key, value) : trie.delete(key);
    }
    return trie;
  }

  #writeGenesis({ changes, timestampMs, facts }: GenesisBlock): Block {
    const trie = appliedTo(Trie.empty, changes);
    const header: Header = {
      parentHash: NO_PARENT,
      number: 0,
      stateRoot: toHex(trie.root()),
      extrinsicsRoot: toHex(orderedRoot([])),
      digest: [],
    };
    const block: Block = { hash: hashHeader(header), header, timestampMs, extrinsics: [], results: [] };
    this.#store.commit(block, changes, facts);
    this.#trie = trie;
    return block;
  }

  #advance(block: Block, trie: Trie): void {
    this.#head = block;
    this.#trie = trie;
    this.#tries.set(block.header.number, trie);
    this.#tries.delete(block.header.number - KEPT_TRIES);
  }
}

/** The trie with a block's changes. Their order does not matter: a key appears once. */
function appliedTo(trie: Trie, changes: StateChanges): Trie {
  let next = trie;
  for (const [hex, value] of changes) {
    const key = bytesOfHex(hex);
    next = value ? next.put(key, value) : next.delete(key);
  }
  return next;
}

/** Compares a block with the hash that names it. Cost: a trie of its extrinsics. */
function whole(block: Block): Block {
  const { header, hash, extrinsics } = block;
  if (hashHeader(header) === hash && toHex(orderedRoot(extrinsics)) === header.extrinsicsRoot) return block;
  return corrupt(header.number);
}

function corrupt(blockNumber: number): never {
  throw new NodeError(
    { code: 'BLOCK_CORRUPT', blockNumber },
    `the record of block ${blockNumber} on disk is damaged: restore the directory from a backup or start a new one`,
  );
}
