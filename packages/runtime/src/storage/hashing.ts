/** @file The chain's hashes through `@polkadot/wasm-crypto` (needs `initCrypto()`): Blake2b and xxHash64 ("twox"). */
import { type HexString, toHex, utf8 } from '@alice/protocol';
import { blake2b, twox } from '@polkadot/wasm-crypto';

const NO_KEY = new Uint8Array();

export const blake2b256 = (data: Uint8Array): Uint8Array => blake2b(data, NO_KEY, 32);
export const blake2b128 = (data: Uint8Array): Uint8Array => blake2b(data, NO_KEY, 16);
export const twox64 = (data: Uint8Array): Uint8Array => twox(data, 1);
export const twox128Text = (name: string): Uint8Array => twox(utf8.encode(name), 2);

/** Blake2-256 of an extrinsic: what clients call its hash. */
export const extrinsicHash = (extrinsic: Uint8Array): HexString => toHex(blake2b256(extrinsic));

/** The eight-byte id of a runtime API: Blake2b with an 8-byte DIGEST, which is not a truncated Blake2-256. */
export const runtimeApiId = (name: string): Uint8Array => blake2b(utf8.encode(name), NO_KEY, 8);
