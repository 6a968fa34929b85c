/**
 * @file Bytes of a chain in words, by the chain's own metadata: storage entries, extrinsics and events as plain JSON
 * values. Large integers become decimal strings, byte strings hex, accounts addresses of this chain. It is for people and
 * indexes; consensus never uses it. What the metadata does not know stays hex.
 */
import { fromHex, type HexString, SS58_PREFIX, toHex, utf8 } from '@alice/protocol';
import {
  denormalizeLookup,
  getDynamicBuilder,
  getLookupCodecBuilder,
  getLookupFn,
} from '@polkadot-api/metadata-builders';
import {
  AccountId,
  metadata as metadataCodec,
  Tuple,
  Twox128,
  unifyMetadata,
} from '@polkadot-api/substrate-bindings';
import type { Json } from '../rpc/context.js';

/** A storage entry by its names. */
export interface EntryDescription {
  readonly pallet: string;
  readonly item: string;
  /** Keys of a map; empty for a single value. */
  readonly keys: readonly Json[];
  readonly value: Json;
}

export interface EventDescription {
  /** Index of the extrinsic it belongs to; `undefined` for what the block itself did. */
  readonly extrinsic: number | undefined;
  readonly pallet: string;
  readonly name: string;
  readonly data: Json;
}

export interface CallDescription {
  readonly pallet: string;
  readonly name: string;
  readonly args: Json;
}

export interface ExtrinsicDescription extends CallDescription {
  /** Address; `undefined` for inherents. */
  readonly signer: string | undefined;
  readonly nonce: number | undefined;
  readonly tip: string | undefined;
}

const SIGNED_V4 = 0x84;
const EVENTS_KEY = ['System', 'Events'] as const;
const PREFIX_CHARS = 2 + 64;

type Enumerated = {
  readonly type: string;
  readonly value: { readonly type: string; readonly value: unknown };
};

export class ChainDecoder {
  readonly #builder: ReturnType<typeof getDynamicBuilder>;
  readonly #items = new Map<string, readonly [pallet: string, item: string]>();
  readonly #signed: { dec(bytes: Uint8Array): unknown[] };
  readonly #call: { dec(bytes: Uint8Array): unknown };
  readonly #extensions: readonly string[];

  /** `metadata` is SCALE with its magic, version 14 or 15. Throws whatever its decoder throws on nonsense. */
  constructor(metadata: Uint8Array) {
    const unified = unifyMetadata(metadataCodec.dec(new Uint8Array(metadata)));
    const lookup = getLookupFn(unified);
    this.#builder = getDynamicBuilder(lookup);
    for (const { storage } of unified.pallets)
      for (const { name } of storage?.items ?? [])
        this.#items.set(prefixOf(storage!.prefix, name), [storage!.prefix, name]);
    const { extrinsic } = unified;
    if (!('address' in extrinsic)) throw new Error('cannot happen: the node keeps metadata version 15');
    const codecOf = getLookupCodecBuilder(denormalizeLookup(unified.lookup), AccountId(SS58_PREFIX));
    const [extensions = []] = Object.values(extrinsic.signedExtensions);
    this.#extensions = extensions.map(({ identifier }) => identifier);
    this.#call = codecOf(extrinsic.call);
    this.#signed = Tuple(
      codecOf(extrinsic.address),
      codecOf(extrinsic.signature),
      ...extensions.map(({ type }) => codecOf(type)),
      codecOf(extrinsic.call),
    );
  }

  /** Names and values of an entry; `undefined` when the key is none of this runtime's. */
  entry(key: Uint8Array, value: Uint8Array): EntryDescription | undefined {
    const hex = toHex(key);
    const found = this.#items.get(hex.slice(0, PREFIX_CHARS));
    if (!found) return undefined;
    const [pallet, item] = found;
    const codec = this.#builder.buildStorage(pallet, item);
    const keys = hex.length > PREFIX_CHARS ? orHex(() => codec.keys.dec(hex), hex) : [];
    const decoded = orHex(() => codec.value.dec(new Uint8Array(value)), toHex(value));
    return { pallet, item, keys: Array.isArray(keys) ? keys : [keys], value: decoded };
  }

  /** The events in the bytes of `System.Events`. Throws on bytes that are none. */
  events(bytes: Uint8Array): EventDescription[] {
    const records = this.#builder.buildStorage(...EVENTS_KEY).value.dec(new Uint8Array(bytes)) as {
      phase: { type: string; value: unknown };
      event: Enumerated;
    }[];
    return records.map(({ phase, event }) => ({
      extrinsic: phase.type === 'ApplyExtrinsic' ? Number(phase.value) : undefined,
      pallet: event.type,
      name: event.value.type,
      data: plain(event.value.value),
    }));
  }

  /** An extrinsic of a block. Throws on bytes that are none. */
  extrinsic(bytes: Uint8Array): ExtrinsicDescription {
    const body = new Uint8Array(bytes.subarray(compactBytes(bytes)));
    if (body[0] !== SIGNED_V4)
      return {
        ...callOf(this.#call.dec(body.slice(1))),
        signer: undefined,
        nonce: undefined,
        tip: undefined,
      };
    const parts = this.#signed.dec(body.slice(1));
    const extension = (name: string): unknown => parts[2 + this.#extensions.indexOf(name)];
    const { value: signer } = parts[0] as { value: unknown };
    return {
      ...callOf(parts.at(-1)),
      signer: String(plain(signer)),
      nonce: Number(extension('CheckNonce')),
      tip: String(plain(extension('ChargeTransactionPayment'))),
    };
  }
}

/** Any decoded value as JSON. */
export function plain(value: unknown): Json {
  if (value === undefined || value === null) return null;
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object') return value as string | number | boolean;
  if (value instanceof Uint8Array) return toHex(value);
  if (Array.isArray(value)) return value.map(plain);
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, plain(field)]));
}

function callOf(call: unknown): CallDescription {
  const { type, value } = call as Enumerated;
  return { pallet: type, name: value.type, args: plain(value.value) };
}

function orHex(decode: () => unknown, hex: HexString): Json {
  try {
    return plain(decode());
  } catch {
    return hex;
  }
}

/** Twox128(pallet) ++ Twox128(item), with 0x. */
function prefixOf(pallet: string, item: string): string {
  return [pallet, item].reduce((hex, name) => hex + toHex(Twox128(utf8.encode(name))).slice(2), '0x');
}

/** How long the compact length in front of an extrinsic is. */
function compactBytes(bytes: Uint8Array): number {
  const mode = (bytes[0] ?? 0) & 3;
  return mode === 3 ? (bytes[0]! >> 2) + 5 : 1 << mode;
}

/** Metadata as `state_getMetadata` and `state_call` answer it, ready for the decoder. */
export const decoderOfHex = (metadata: HexString): ChainDecoder => new ChainDecoder(fromHex(metadata));
