/**
 * @file The chain as the pages read it: heads, blocks, storage, events, all decoded by the chain's own metadata. Reads
 * only; the wallet signs elsewhere. What never changes (genesis hash, metadata of a version) is asked for once.
 */
import { concatBytes, fromHex, type HashHex, toHex } from '@alice/protocol';
import type { ChainSocket } from './ChainSocket.js';
import { type DecodedEvent, decodeEvents } from './decodeEvents.js';
import { type DecodedExtrinsic, decodeExtrinsic } from './decodeExtrinsic.js';
import { decodeValue, type Value } from './decodeValue.js';
import { type Metadata, parseMetadata } from './metadata.js';
import { accountOfAddress } from './ss58.js';
import { storageKey, u32Key } from './storageKey.js';

export interface Header {
  readonly number: number;
  readonly parentHash: HashHex;
  readonly stateRoot: HashHex;
  readonly extrinsicsRoot: HashHex;
}
export interface Block {
  readonly hash: HashHex;
  readonly header: Header;
  readonly extrinsics: readonly DecodedExtrinsic[];
  /** `undefined` when the node no longer keeps the state of this block. */
  readonly events: readonly DecodedEvent[] | undefined;
  readonly timeMs: number | undefined;
}
export interface Account {
  readonly nonce: number;
  readonly freePlanck: bigint;
  readonly frozenPlanck: bigint;
}
/** One storage item to read: for maps, `key` is a number, several of them, or an address. */
export interface StorageQuestion {
  readonly pallet: string;
  readonly item: string;
  readonly key?: number | string | readonly number[];
}

const HEADS = { method: 'chain_subscribeNewHeads', unsubscribe: 'chain_unsubscribeNewHeads' };

export class ChainReader {
  readonly socket: ChainSocket;
  #metadata: Promise<Metadata> | undefined;
  #genesis: Promise<HashHex> | undefined;

  constructor(socket: ChainSocket) {
    this.socket = socket;
  }

  genesisHash(): Promise<HashHex> {
    this.#genesis ??= forgetFailure(
      this.socket.call('chain_getBlockHash', [0]) as Promise<HashHex>,
      () => (this.#genesis = undefined),
    );
    return this.#genesis;
  }

  metadata(): Promise<Metadata> {
    this.#metadata ??= forgetFailure(
      this.socket.call('state_getMetadata').then((hex) => parseMetadata(fromHex(String(hex)))),
      () => (this.#metadata = undefined),
    );
    return this.#metadata;
  }

  /** Each new block's header, the newest at once; returns how to stop. */
  onHead(listener: (header: Header) => void): () => void {
    return this.socket.subscribe(HEADS, (item) => listener(headerOf(item)));
  }

  async head(): Promise<Header> {
    return headerOf(await this.socket.call('chain_getHeader'));
  }

  async hashOf(number: number): Promise<HashHex | undefined> {
    return ((await this.socket.call('chain_getBlockHash', [number])) as HashHex | null) ?? undefined;
  }

  /** A block with all it holds, or `undefined` if this chain has none of that hash. */
  async block(hash: HashHex): Promise<Block | undefined> {
    const [answer, metadata, events] = await Promise.all([
      this.socket.call('chain_getBlock', [hash]),
      this.metadata(),
      this.#events(hash),
    ]);
    if (answer === null) return undefined;
    const { block } = answer as { block: { header: unknown; extrinsics: string[] } };
    const extrinsics = block.extrinsics.map((hex) => decodeExtrinsic(metadata, fromHex(hex)));
    const now = extrinsics.find(({ pallet, call }) => pallet === 'Timestamp' && call === 'set')?.arguments[
      'now'
    ];
    const timeMs = now === undefined ? undefined : Number(now);
    return { hash, header: headerOf(block.header), extrinsics, events, timeMs };
  }

  /** Storage values read together at one block (default: the newest); a missing value is `undefined`. */
  async storage(questions: readonly StorageQuestion[], at?: HashHex): Promise<(Value | undefined)[]> {
    if (questions.length === 0) return [];
    const metadata = await this.metadata();
    const asked = questions.map((question) => locate(metadata, question));
    const answer = await this.socket.call('state_queryStorageAt', [
      asked.map(({ key }) => key),
      ...(at ? [at] : []),
    ]);
    const changes = new Map((answer as [{ changes: [string, string | null][] }])[0].changes);
    return asked.map(({ key, type, what }) => {
      const hex = changes.get(key);
      return hex ? decodeValue(metadata, type, fromHex(hex), what) : undefined;
    });
  }

  async account(address: string): Promise<Account> {
    const [value] = await this.storage([{ pallet: 'System', item: 'Account', key: address }]);
    return accountOf(value);
  }

  /** A constant of a pallet, or `undefined` if this chain has none of that name. */
  async constant(pallet: string, name: string): Promise<Value | undefined> {
    const metadata = await this.metadata();
    const found = metadata.pallets.find((described) => described.name === pallet)?.constants.get(name);
    return found && decodeValue(metadata, found.type, found.value, `${pallet}.${name}`);
  }

  async #events(at: HashHex): Promise<DecodedEvent[] | undefined> {
    const metadata = await this.metadata();
    const { key } = locate(metadata, { pallet: 'System', item: 'Events' });
    try {
      const hex = await this.socket.call('state_getStorage', [key, at]);
      return typeof hex === 'string' ? decodeEvents(metadata, fromHex(hex)) : [];
    } catch (error) {
      if ((error as { code?: string }).code === 'CHAIN_RPC_ERROR') return undefined; // state discarded
      throw error;
    }
  }
}

/** Reads `System.Account`; an account nobody has touched is all zeros. */
export function accountOf(value: Value | undefined): Account {
  const { nonce, data } = (value ?? {}) as { nonce?: number; data?: Record<string, bigint> };
  return { nonce: nonce ?? 0, freePlanck: data?.['free'] ?? 0n, frozenPlanck: data?.['frozen'] ?? 0n };
}

function locate(metadata: Metadata, { pallet, item, key }: StorageQuestion) {
  const described = metadata.pallets.find(({ name }) => name === pallet);
  const entry = described?.storage.get(item);
  if (!described || !entry)
    throw new Error(`this chain has no ${pallet}.${item}: page and node are of different versions`);
  const encoded = key === undefined ? undefined : encodedKey(key);
  return { key: toHex(storageKey(described, item, encoded)), type: entry.value, what: `${pallet}.${item}` };
}

const encodedKey = (key: number | string | readonly number[]): Uint8Array =>
  typeof key === 'string' ? accountOfAddress(key) : concatBytes(...[key].flat().map(u32Key));

function headerOf(json: unknown): Header {
  const { number, parentHash, stateRoot, extrinsicsRoot } = json as Record<string, HashHex>;
  return {
    number: Number(number),
    parentHash: parentHash!,
    stateRoot: stateRoot!,
    extrinsicsRoot: extrinsicsRoot!,
  };
}

/** Remembers an answer, but lets a failure be tried again. */
function forgetFailure<T>(promise: Promise<T>, forget: () => void): Promise<T> {
  promise.catch(forget);
  return promise;
}
