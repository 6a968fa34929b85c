/**
 * @file Where two states differ: both are read in key order, side by side, so states larger than memory can be compared.
 * A state is a directory of a node that does not run, or the RPC of one that does, at one block.
 */
import { fromHex, type HexString, initCrypto, toHex } from '@alice/protocol';
import { createRuntime } from '@alice/runtime';
import { type Header, hashHeader } from '../block.js';
import { NodeError } from '../errors.js';
import { ChainStore } from '../store/ChainStore.js';
import { initHasher } from '../trie/blake2.js';
import { ChainDecoder, decoderOfHex, type EntryDescription } from './ChainDecoder.js';

export interface StateSide {
  readonly blockNumber: number;
  readonly blockHash: HexString;
  readonly stateRoot: HexString;
  readonly decoder: ChainDecoder;
  entries(): AsyncIterable<readonly [Uint8Array, Uint8Array]>;
  close(): Promise<void>;
}

export interface StateDifference {
  readonly key: HexString;
  readonly a: HexString | null;
  readonly b: HexString | null;
  /** What the entry is called and what it holds on each side, where metadata tells. */
  readonly description?: {
    readonly pallet: string;
    readonly item: string;
    readonly keys: EntryDescription['keys'];
    readonly a: EntryDescription['value'] | null;
    readonly b: EntryDescription['value'] | null;
  };
}

const PAGE = 500;

/** Opens a directory or an RPC address. Throws `NODE_DIR_LOCKED`, `BLOCK_UNKNOWN`, `RPC_FAILED`. */
export async function openState(place: string, block?: number): Promise<StateSide> {
  await Promise.all([initCrypto(), initHasher()]);
  return /^(https?|wss?):\/\//.test(place) ? remoteState(place, block) : folderState(place, block);
}

/** Every key whose value is not the same on both sides, in key order. */
export async function* diffState(a: StateSide, b: StateSide): AsyncIterableIterator<StateDifference> {
  const left = a.entries()[Symbol.asyncIterator]();
  const right = b.entries()[Symbol.asyncIterator]();
  let [x, y] = [await left.next(), await right.next()];
  while (!x.done || !y.done) {
    const order = x.done ? 1 : y.done ? -1 : Buffer.compare(x.value[0], y.value[0]);
    const [inA, inB] = [order <= 0 ? x.value : undefined, order >= 0 ? y.value : undefined];
    if (!inA || !inB || Buffer.compare(inA[1], inB[1]) !== 0) yield difference({ a, b }, inA, inB);
    if (order <= 0) x = await left.next();
    if (order >= 0) y = await right.next();
  }
}

type Entry = readonly [Uint8Array, Uint8Array];

function difference(
  sides: { a: StateSide; b: StateSide },
  a: Entry | undefined,
  b: Entry | undefined,
): StateDifference {
  const key = (a ?? b)![0];
  const [inA, inB] = [a && sides.a.decoder.entry(...a), b && sides.b.decoder.entry(...b)];
  const named = inA ?? inB;
  const values = { key: toHex(key), a: a ? toHex(a[1]) : null, b: b ? toHex(b[1]) : null };
  if (!named) return values;
  const { pallet, item, keys } = named;
  return { ...values, description: { pallet, item, keys, a: inA?.value ?? null, b: inB?.value ?? null } };
}

/** The head of a directory; older blocks only where their state is the head's. */
async function folderState(dir: string, block: number | undefined): Promise<StateSide> {
  const store = new ChainStore({ dir, keepStates: Number.POSITIVE_INFINITY });
  const head = store.head;
  if (!head || (block !== undefined && block !== head.header.number)) {
    await store.close();
    throw new NodeError(
      { code: 'BLOCK_UNKNOWN', block: String(block ?? 0) },
      `${dir} ${head ? `is at block ${head.header.number}; only that block can be compared` : 'holds no chain'}`,
    );
  }
  const decoder = new ChainDecoder(createRuntime({ verifySignature: () => false }).metadata(15));
  return {
    blockNumber: head.header.number,
    blockHash: head.hash,
    stateRoot: head.header.stateRoot,
    decoder,
    async *entries() {
      yield* store.entries();
    },
    close: () => store.close(),
  };
}

interface HeaderJson extends Omit<Header, 'number' | 'digest'> {
  readonly number: HexString;
  readonly digest: { readonly logs: readonly HexString[] };
}

async function remoteState(place: string, block: number | undefined): Promise<StateSide> {
  const url = place.replace(/^ws/, 'http');
  const ask = <T>(method: string, ...params: unknown[]): Promise<T> => askRpc<T>(url, method, params);
  const hash = await ask<HexString | null>('chain_getBlockHash', ...(block === undefined ? [] : [block]));
  if (hash === null)
    throw new NodeError({ code: 'BLOCK_UNKNOWN', block: String(block) }, `${place} has no block ${block}`);
  const { digest, number, ...rest } = await ask<HeaderJson>('chain_getHeader', hash);
  const header: Header = { ...rest, number: Number(number), digest: digest.logs };
  const metadata = await ask<HexString>('state_call', 'Metadata_metadata_at_version', '0x0f000000', hash);
  return {
    blockNumber: header.number,
    blockHash: hashHeader(header),
    stateRoot: header.stateRoot,
    decoder: decoderOfHex(unwrapped(metadata)),
    async *entries() {
      let after: HexString | null = null;
      for (;;) {
        const keys: HexString[] = await ask('state_getKeysPaged', '0x', PAGE, after, hash);
        if (keys.length === 0) return;
        const [{ changes }] = await ask<[{ changes: [HexString, HexString][] }]>(
          'state_queryStorageAt',
          keys,
          hash,
        );
        for (const [key, value] of changes) yield [fromHex(key), fromHex(value)];
        after = keys.at(-1)!;
      }
    },
    close: async () => undefined,
  };
}

/** `Option<OpaqueMetadata>`: one byte, a compact length, the metadata. */
function unwrapped(hex: HexString): HexString {
  const mode = Number.parseInt(hex.slice(4, 6), 16) & 3;
  return `0x${hex.slice(4 + 2 * (1 << mode))}`;
}

async function askRpc<T>(url: string, method: string, params: readonly unknown[]): Promise<T> {
  let reason: string;
  try {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
    const response = await fetch(url, { method: 'POST', body });
    const { result, error } = (await response.json()) as {
      result: T;
      error?: { message: string; data?: string };
    };
    if (!error) return result;
    reason = `${error.message} ${error.data ?? ''}`.trim();
  } catch (error) {
    reason = String(error);
  }
  throw new NodeError(
    { code: 'RPC_FAILED', url, reason },
    `${url} did not answer ${method}: ${reason}. Is a node running there, and does it keep that block's state?`,
  );
}
