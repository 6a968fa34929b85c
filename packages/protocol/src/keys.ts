/**
 * @file Alice's one identity: an sr25519 key and its SS58 address with prefix 300 (REG-1). Signing and checking go
 * through schnorrkel compiled to WebAssembly (`@polkadot/wasm-crypto`), the one acceptance rule on every platform.
 * Call `await initCrypto()` once before anything here.
 */
import {
  decodeAddress,
  encodeAddress,
  keyExtractSuri,
  keyFromPath,
  mnemonicGenerate,
} from '@polkadot/util-crypto';
import {
  bip39ToMiniSecret,
  bip39Validate,
  sr25519KeypairFromSeed,
  sr25519Sign,
  sr25519Verify,
  waitReady,
} from '@polkadot/wasm-crypto';
import { fromHex, toHex } from './bytes.js';
import { CodedError } from './errors.js';

/** An SS58 address with prefix 300; starts with `a2`. */
export type Address = string & { readonly __brand: 'Address' };

export const SS58_PREFIX = 300;

export type KeyErrorInfo =
  | { code: 'ADDRESS_INVALID'; address: string } // not SS58, wrong checksum, or another network's prefix
  | { code: 'MNEMONIC_INVALID' } // not a BIP-39 phrase; the phrase itself never enters an error
  | { code: 'SECRET_INVALID' }; // neither a phrase, a 32-byte hex seed nor a derivation URI
export class KeyError extends CodedError<KeyErrorInfo> {
  override name = 'KeyError';
}

/** A key that can sign. `secretKey` (64 bytes) must never be logged. */
export interface KeyPair {
  readonly address: Address;
  readonly publicKey: Uint8Array;
  readonly secretKey: Uint8Array;
  sign(message: Uint8Array): Uint8Array;
}

/** Loads the WebAssembly once; resolves when keys can be used. */
export async function initCrypto(): Promise<void> {
  await waitReady();
}

export function newMnemonic(): string {
  return mnemonicGenerate(12);
}

/**
 * A key from a secret: a BIP-39 phrase, a 32-byte hex seed, or either with a derivation path (`phrase//miner/0`,
 * `//Alice` for the well-known development phrase). Throws `MNEMONIC_INVALID`, `SECRET_INVALID`.
 */
export function keyPairFromSecret(secret: string): KeyPair {
  const { phrase, path, password } = parseSecret(secret);
  const seed = /^0x[0-9a-fA-F]{64}$/.test(phrase) ? fromHex(phrase) : seedOfPhrase(phrase, password);
  const root = splitPair(sr25519KeypairFromSeed(seed));
  const derived = path.length > 0 ? keyFromPath(root, path, 'sr25519') : root;
  return keyPairOf(derived.publicKey, derived.secretKey);
}

export function keyPairFromSeed(seed: Uint8Array): KeyPair {
  if (seed.length !== 32) throw new KeyError({ code: 'SECRET_INVALID' }, 'a seed is exactly 32 bytes');
  const { publicKey, secretKey } = splitPair(sr25519KeypairFromSeed(seed));
  return keyPairOf(publicKey, secretKey);
}

/** Verifies; malformed input is `false`, never an exception, and the all-zero key is always refused. */
export function verifySignature(message: Uint8Array, signature: Uint8Array, publicKey: Uint8Array): boolean {
  if (signature.length !== 64 || publicKey.length !== 32 || publicKey.every((byte) => byte === 0))
    return false;
  try {
    return sr25519Verify(signature, message, publicKey);
  } catch {
    return false;
  }
}

export function addressOf(publicKey: Uint8Array): Address {
  return encodeAddress(publicKey, SS58_PREFIX) as Address;
}

/** Address → 32-byte public key. Throws `ADDRESS_INVALID` also for other networks' prefixes. */
export function publicKeyOf(address: string): Uint8Array {
  try {
    const publicKey = decodeAddress(address, false, SS58_PREFIX);
    if (publicKey.length === 32 && address === encodeAddress(publicKey, SS58_PREFIX)) return publicKey;
  } catch {
    // falls through to the one error below
  }
  throw new KeyError(
    { code: 'ADDRESS_INVALID', address },
    `"${address}" is not an Alice address (SS58 prefix ${SS58_PREFIX}, starts with "a2")`,
  );
}

export function parseAddress(text: string): Address {
  return addressOf(publicKeyOf(text));
}

function parseSecret(secret: string): ReturnType<typeof keyExtractSuri> {
  const DEV_PHRASE = 'bottom drive obey lake curtain smoke basket hold race lonely fit walk';
  try {
    return keyExtractSuri(secret.startsWith('/') ? `${DEV_PHRASE}${secret}` : secret);
  } catch {
    throw new KeyError(
      { code: 'SECRET_INVALID' },
      'not a recovery phrase, a 0x… seed of 32 bytes, or one of them with a derivation path',
    );
  }
}

function seedOfPhrase(phrase: string, password: string | undefined): Uint8Array {
  if (!bip39Validate(phrase))
    throw new KeyError(
      { code: 'MNEMONIC_INVALID' },
      'not a valid recovery phrase: check the words and their order',
    );
  return bip39ToMiniSecret(phrase, password ?? '');
}

function splitPair(pair: Uint8Array): { publicKey: Uint8Array; secretKey: Uint8Array } {
  return { secretKey: pair.slice(0, 64), publicKey: pair.slice(64) };
}

/** A key from its parts, as key files hold them. The caller has checked that they belong together. */
export function keyPairOf(publicKey: Uint8Array, secretKey: Uint8Array): KeyPair {
  return {
    address: addressOf(publicKey),
    publicKey,
    secretKey,
    sign: (message) => sr25519Sign(publicKey, secretKey, message),
  };
}

/** A public key as `0x…`, the account id the chain stores. */
export function accountIdHex(address: Address): `0x${string}` {
  return toHex(publicKeyOf(address));
}
