/**
 * @file Answers an explorer's questions: blocks, extrinsics, events and accounts in words, in pages. Blocks come from the
 * chain, events and histories from the index, words from the describing thread. Everything asked for is bounded.
 */
import { addressOf, type HexString, publicKeyOf } from '@alice/protocol';
import type { Runtime } from '@alice/runtime';
import type { Block } from '../block.js';
import type { Chain } from '../Chain.js';
import type { EventDescription, ExtrinsicDescription } from '../describe/ChainDecoder.js';
import { RPC_CODE, rpcError } from '../errors.js';
import type { PastRuntime } from '../RuntimeArchive.js';
import type { Described, DescribeThread } from './DescribeThread.js';
import { ACCOUNTS, type ExplorerIndex } from './ExplorerIndex.js';

export interface ExplorerParts {
  readonly chain: Chain;
  readonly runtime: Runtime;
  readonly index: ExplorerIndex;
  readonly thread: DescribeThread;
  runtimeAt(blockNumber: number): PastRuntime | undefined;
}

export interface Page {
  /** Only blocks before this one; the newest first. */
  readonly before: number;
  readonly limit: number;
}

export interface BlockSummary {
  readonly number: number;
  readonly hash: HexString;
  readonly timestampMs: number;
  readonly extrinsics: number;
}

export interface ExplorerExtrinsic extends ExtrinsicDescription {
  readonly block: number;
  readonly index: number;
  readonly hash: HexString;
  /** Name of the refusal; null when the call succeeded. */
  readonly error: string | null;
  readonly events: readonly EventDescription[];
}

const NO_EVENTS = new Uint8Array();

export class Explorer {
  readonly #parts: ExplorerParts;

  constructor(parts: ExplorerParts) {
    this.#parts = parts;
  }

  get status(): { from: number; to: number; head: number } {
    const { chain, index } = this.#parts;
    const head = chain.head.header.number;
    return { from: index.range?.from ?? head + 1, to: index.range?.to ?? head, head };
  }

  /** Newest first; blocks this node does not have are left out. */
  blocks({ before, limit }: Page): BlockSummary[] {
    const { chain } = this.#parts;
    const found: BlockSummary[] = [];
    const first = Math.min(before - 1, chain.head.header.number);
    for (let number = first; number >= 0 && number > first - limit; number--) {
      const block = chain.blockByNumber(number);
      if (block) found.push(summaryOf(block));
    }
    return found;
  }

  /** A block with some of its extrinsics and all events that belong to none. `undefined` where there is no such block. */
  async block(which: number | HexString, { from, limit }: { from: number; limit: number }) {
    const { chain, index } = this.#parts;
    const block = typeof which === 'number' ? chain.blockByNumber(which) : chain.blockByHash(which);
    if (!block) return undefined;
    const { parentHash, stateRoot, extrinsicsRoot } = block.header;
    const described = await this.#describe(block, { from, limit });
    return {
      ...summaryOf(block),
      ...{ parentHash, stateRoot, extrinsicsRoot },
      hasEvents: index.events(block.header.number) !== undefined,
      page: joined(block, described, from),
      events: described.events.filter(({ extrinsic }) => extrinsic === undefined),
    };
  }

  /** One extrinsic wherever it is. */
  async extrinsic(hash: HexString): Promise<ExplorerExtrinsic | undefined> {
    const { chain } = this.#parts;
    const place = chain.extrinsic(hash);
    const block = place && chain.blockByNumber(place.blockNumber);
    if (!place || !block) return undefined;
    const described = await this.#describe(block, { from: place.index, limit: 1 });
    return joined(block, described, place.index)[0];
  }

  /**
   * Blocks that changed an account, newest first, each with the extrinsics it signed and the events that name it.
   * `next` is the `before` of the following page.
   */
  async history(address: string, page: Page) {
    const { chain, index } = this.#parts;
    const numbers = index.blocksOf(publicKeyOf(address), page);
    const entries = await Promise.all(
      numbers.map(async (number) => {
        const block = chain.blockByNumber(number);
        if (!block) return [];
        const described = await this.#describe(block, { from: 0, limit: block.extrinsics.length });
        const all = joined(block, described, 0);
        return [
          {
            ...summaryOf(block),
            signed: all.filter(({ signer }) => signer === address).map(withoutEvents),
            events: described.events.filter(({ data }) => JSON.stringify(data).includes(`"${address}"`)),
          },
        ];
      }),
    );
    const last = numbers.at(-1);
    return { address, entries: entries.flat(), next: numbers.length < page.limit ? null : (last ?? null) };
  }

  /** Accounts with their balances in planck, in the order of their storage keys; `next` continues. */
  accounts({ after, limit }: { after: Uint8Array | undefined; limit: number }) {
    const { chain } = this.#parts;
    const keys = chain.keysAt({ prefix: ACCOUNTS, limit, ...(after ? { after } : {}) });
    const accounts = keys.flatMap((hex) => {
      const key = new Uint8Array(Buffer.from(hex.slice(2), 'hex'));
      const value = chain.headState.get(key);
      return value ? [{ address: addressOf(key.slice(48)), ...balances(value) }] : [];
    });
    return { accounts, next: keys.length < limit ? null : (keys.at(-1) ?? null) };
  }

  #describe(block: Block, { from, limit }: { from: number; limit: number }): Promise<Described> {
    const { runtime, runtimeAt, thread, index } = this.#parts;
    const { number } = block.header;
    const past = runtimeAt(number);
    const specVersion = past?.specVersion ?? Number(runtime.versionJson['specVersion']);
    return thread.describe(
      { specVersion, metadata: () => past?.metadata15 ?? runtime.metadata(15) },
      { extrinsics: block.extrinsics.slice(from, from + limit), events: index.events(number) ?? NO_EVENTS },
    );
  }
}

function summaryOf({ header, hash, timestampMs, extrinsics }: Block): BlockSummary {
  return { number: header.number, hash, timestampMs: Number(timestampMs), extrinsics: extrinsics.length };
}

function joined(block: Block, { extrinsics, events }: Described, from: number): ExplorerExtrinsic[] {
  return extrinsics.map((extrinsic, i) => {
    const index = from + i;
    const result = block.results[index];
    if (!result) throw new Error('cannot happen: every extrinsic has a result');
    return {
      ...extrinsic,
      ...{ block: block.header.number, index, hash: result.hash, error: result.error ?? null },
      events: events.filter((event) => event.extrinsic === index),
    };
  });
}

function withoutEvents({ events: _, ...rest }: ExplorerExtrinsic): Omit<ExplorerExtrinsic, 'events'> {
  return rest;
}

/** `System.AccountInfo`: nonce and three counters as u32, then free and reserved as u128. */
function balances(value: Uint8Array): { nonce: number; free: string; reserved: string } {
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  const u128 = (at: number): string =>
    (view.getBigUint64(at, true) | (view.getBigUint64(at + 8, true) << 64n)).toString();
  return { nonce: view.getUint32(0, true), free: u128(16), reserved: u128(32) };
}

/** Throws -32602 unless this is an address of the chain. */
export function requireAddress(text: string): string {
  try {
    return addressOf(publicKeyOf(text));
  } catch {
    throw rpcError(RPC_CODE.invalidParams, 'Invalid params', 'parameter 1 must be an address of this chain');
  }
}
