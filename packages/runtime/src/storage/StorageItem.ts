/**
 * @file Declares what the state holds: single values and maps, each with its key layout, codec, default and metadata.
 * Keys are Substrate's: twox128(pallet) ++ twox128(item) ++ hashed map key (CHAIN-4). Prefixes are hashed on first
 * use, once, because hashing needs WebAssembly that is not loaded at import time.
 */
import { concatBytes, type HexString, toHex } from '@alice/protocol';
import { invalid } from '../scale/ByteReader.js';
import { decode, encode, type ScaleType } from '../scale/ScaleType.js';
import { blake2b128, twox64, twox128Text } from './hashing.js';
import type { StateAccess, StorageKey } from './Overlay.js';

export type Hasher = 'Blake2128Concat' | 'Twox64Concat';

/**
 * Why a map cannot grow without end: a limit that the runtime keeps, or what each entry costs whoever causes it. A fee
 * is paid once for good, a deposit or a bond while the entry stands; `work` is one entry for an account that has earned.
 */
export type Bound = { readonly most: number } | { readonly paidBy: 'fee' | 'deposit' | 'bond' | 'work' };

/** What the metadata and the invariant checks need of any item. */
export interface StorageItem {
  readonly pallet: string;
  readonly name: string;
  readonly docs: readonly string[];
  readonly value: ScaleType<unknown>;
  readonly map?: { readonly hasher: Hasher; readonly key: ScaleType<unknown>; readonly bound: Bound };
  /** Encoded value of an absent entry; `undefined` where absence is a value of its own. */
  fallback(): Uint8Array | undefined;
  prefix(): StorageKey;
  /** Throws `SCALE_INVALID` unless key and value are what this item writes. */
  check(key: Uint8Array, value: Uint8Array): void;
}

interface Declaration<T> {
  readonly pallet: string;
  readonly name: string;
  readonly type: ScaleType<T>;
  readonly docs?: string;
}

export interface StorageValue<T> extends StorageItem {
  get(state: StateAccess): T;
  put(state: StateAccess, value: T): void;
}

export interface StorageMap<K, V> extends StorageItem {
  get(state: StateAccess, key: K): V;
  put(state: StateAccess, key: K, value: V): void;
  remove(state: StateAccess, key: K): void;
  keyOf(key: K): StorageKey;
  /** The map key inside a full storage key. Throws `SCALE_INVALID`. */
  keyFrom(storageKey: Uint8Array): K;
}

const PREFIX_BYTES = 32;
const HASH_BYTES: Readonly<Record<Hasher, number>> = { Blake2128Concat: 16, Twox64Concat: 8 };
const HASHERS: Readonly<Record<Hasher, (key: Uint8Array) => Uint8Array>> = {
  Blake2128Concat: blake2b128,
  Twox64Concat: twox64,
};

/** One value with a default. */
export function storageValue<T>(declaration: Declaration<T> & { readonly default: T }): StorageValue<T> {
  const { type } = declaration;
  const prefix = lazyPrefix(declaration);
  return {
    ...described(declaration),
    prefix,
    fallback: () => encode(type, declaration.default),
    get: (state) => {
      const stored = state.read(prefix());
      return stored === undefined ? declaration.default : decode(type, stored);
    },
    put: (state, value) => state.write(prefix(), encode(type, value)),
    check: (_key, value) => {
      decode(type, value);
    },
  };
}

/** One value that may be absent. */
export function storageOptional<T>(declaration: Declaration<T>): StorageValue<T | undefined> {
  const { type } = declaration;
  const prefix = lazyPrefix(declaration);
  return {
    ...described(declaration),
    prefix,
    fallback: () => undefined,
    get: (state) => {
      const stored = state.read(prefix());
      return stored === undefined ? undefined : decode(type, stored);
    },
    put: (state, value) => state.write(prefix(), value === undefined ? undefined : encode(type, value)),
    check: (_key, value) => {
      decode(type, value);
    },
  };
}

interface MapDeclaration<K, V> extends Declaration<V> {
  readonly hasher: Hasher;
  readonly key: ScaleType<K>;
  readonly bound: Bound;
}

/** A map whose absent entries read as `default`. */
export function storageMap<K, V>(
  declaration: MapDeclaration<K, V> & { readonly default: V },
): StorageMap<K, V> {
  return {
    ...mapOf<K, V>(declaration, (stored) =>
      stored === undefined ? declaration.default : decode(declaration.type, stored),
    ),
    fallback: () => encode(declaration.type, declaration.default),
  };
}

/** A map whose absent entries read as `undefined`. */
export function optionalMap<K, V>(declaration: MapDeclaration<K, V>): StorageMap<K, V | undefined> {
  return {
    ...mapOf<K, V | undefined>(declaration as MapDeclaration<K, V | undefined>, (stored) =>
      stored === undefined ? undefined : decode(declaration.type, stored),
    ),
    fallback: () => undefined,
  };
}

function mapOf<K, V>(
  declaration: MapDeclaration<K, V>,
  read: (stored: Uint8Array | undefined) => V,
): Omit<StorageMap<K, V>, 'fallback'> {
  const { hasher, key: keyType, bound, type } = declaration;
  const prefix = lazyPrefix(declaration);
  const keyOf = (key: K): StorageKey => {
    const encoded = encode(keyType, key);
    const bytes = concatBytes(prefix().bytes, HASHERS[hasher](encoded), encoded);
    return { bytes, hex: toHex(bytes) };
  };
  const keyFrom = (storageKey: Uint8Array): K =>
    decode(keyType, storageKey.slice(PREFIX_BYTES + HASH_BYTES[hasher]));
  return {
    ...described(declaration),
    map: { hasher, key: keyType, bound },
    prefix,
    keyOf,
    keyFrom,
    get: (state, key) => read(state.read(keyOf(key))),
    put: (state, key, value) => state.write(keyOf(key), encode(type, value)),
    remove: (state, key) => state.write(keyOf(key), undefined),
    check: (storageKey, value) => {
      if (keyOf(keyFrom(storageKey)).hex !== toHex(storageKey)) throw invalid('the hash in the key is wrong');
      decode(type, value);
    },
  };
}

function described<T>({ pallet, name, type, docs }: Declaration<T>) {
  return { pallet, name, value: type as ScaleType<unknown>, docs: docs === undefined ? [] : [docs] };
}

function lazyPrefix({ pallet, name }: { pallet: string; name: string }): () => StorageKey {
  let known: { bytes: Uint8Array; hex: HexString } | undefined;
  return () => {
    if (known) return known;
    const bytes = concatBytes(twox128Text(pallet), twox128Text(name));
    known = { bytes, hex: toHex(bytes) };
    return known;
  };
}
