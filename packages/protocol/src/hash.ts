/** @file Hashes all parties agree on: SHA-256 for content and Merkle trees (merkle.ts), Blake2b-256 where the chain wants it. */
import { blake2b } from '@noble/hashes/blake2.js';
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import { type HexString, toHex, utf8 } from './bytes.js';
import { CodedError } from './errors.js';

export type HashHex = HexString;

export function sha256(bytes: Uint8Array): Uint8Array {
  return nobleSha256(bytes);
}

/** A hash that is fed piece by piece. */
export interface Hasher {
  update(bytes: Uint8Array): unknown;
  digest(): Uint8Array;
}

/** A SHA-256 to be fed. */
export function newSha256(): Hasher {
  return nobleSha256.create();
}

export function sha256Hex(bytes: Uint8Array): HashHex {
  return toHex(nobleSha256(bytes));
}

/** The same by the platform's own SHA-256 where it has one: pages served without TLS do not. */
export async function sha256HexByPlatform(bytes: Uint8Array): Promise<HashHex> {
  const { subtle } = globalThis.crypto ?? {};
  if (!subtle) return sha256Hex(bytes);
  return toHex(new Uint8Array(await subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)));
}

export function blake2b256(bytes: Uint8Array): Uint8Array {
  return blake2b(bytes, { dkLen: 32 });
}

/** Hash of a canonical JSON text: object keys sorted, no white space. For manifests and receipts. */
export function hashJson(value: unknown): HashHex {
  return sha256Hex(utf8.encode(canonicalJson(value)));
}

/** JSON with sorted keys, so equal values give equal bytes. Throws `JSON_NOT_FINITE` for NaN and infinities. */
export function canonicalJson(value: unknown): string {
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new CodedError(
      { code: 'JSON_NOT_FINITE', value: String(value) },
      `${value} has no canonical JSON form`,
    );
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value).filter(([, v]) => v !== undefined);
    entries.sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([k, v]) => `${JSON.stringify(k)}:${canonicalJson(v)}`).join(',')}}`;
  }
  return JSON.stringify(value) ?? 'null';
}
