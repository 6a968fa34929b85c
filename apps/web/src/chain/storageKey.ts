/** @file Where the chain keeps an item: Substrate's storage key, with the hashers its metadata names. */
import { concatBytes, utf8 } from '@alice/protocol';
import { blake2b } from '@noble/hashes/blake2.js';
import type { PalletDescription } from './metadata.js';
import { xxHash64 } from './xxHash64.js';

/** Substrate's twox with `words` × 64 bits. */
export function twox(bytes: Uint8Array, words: number): Uint8Array {
  const hash = new Uint8Array(8 * words);
  const view = new DataView(hash.buffer);
  for (let i = 0; i < words; i++) view.setBigUint64(8 * i, xxHash64(bytes, BigInt(i)), true);
  return hash;
}

const HASHERS: Readonly<Record<string, (key: Uint8Array) => Uint8Array>> = {
  Twox64Concat: (key) => concatBytes(twox(key, 1), key),
  Twox128: (key) => twox(key, 2),
  Blake2_128Concat: (key) => concatBytes(blake2b(key, { dkLen: 16 }), key),
  Identity: (key) => key,
};

/** The key of `pallet.item`, or of one entry when `key` (already encoded) is given. */
export function storageKey(pallet: PalletDescription, item: string, key?: Uint8Array): Uint8Array {
  const prefix = concatBytes(twox(utf8.encode(pallet.prefix), 2), twox(utf8.encode(item), 2));
  if (key === undefined) return prefix;
  const hasher = HASHERS[pallet.storage.get(item)?.hashers[0] ?? ''];
  if (!hasher) throw new Error(`${pallet.name}.${item} is not a map this page can look into`);
  return concatBytes(prefix, hasher(key));
}

export function u32Key(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}
