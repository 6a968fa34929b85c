/**
 * @file SCALE, writing side: exactly the types the chain's calls and keys need. Integers are little-endian of fixed
 * width; `compact` is the variable-length form. Source: docs.polkadot.com, "SCALE codec".
 */
import { concatBytes, fromHex, type HexString } from '../bytes.js';
import { ChainError } from './errors.js';

/** An unsigned integer of `sizeBytes` bytes. Throws `CALL_INVALID` when it does not fit. */
export function unsigned(value: number | bigint, sizeBytes: number): Uint8Array {
  const limit = 1n << BigInt(8 * sizeBytes);
  const whole = wholeNumber(value);
  if (whole >= limit) throw outOfRange(value);
  const bytes = new Uint8Array(sizeBytes);
  for (let i = 0, rest = whole; i < sizeBytes; i++, rest >>= 8n) bytes[i] = Number(rest & 255n);
  return bytes;
}

export const u32 = (value: number): Uint8Array => unsigned(value, 4);
export const u64 = (value: bigint): Uint8Array => unsigned(value, 8);
export const u128 = (value: bigint): Uint8Array => unsigned(value, 16);

/** The two low bits tell the width: 1, 2 or 4 bytes, or 3 for a length byte and as many bytes as needed. */
export function compact(value: number | bigint): Uint8Array {
  const whole = wholeNumber(value);
  if (whole < 1n << 6n) return unsigned(whole << 2n, 1);
  if (whole < 1n << 14n) return unsigned((whole << 2n) | 1n, 2);
  if (whole < 1n << 30n) return unsigned((whole << 2n) | 2n, 4);
  if (whole >= 1n << 128n) throw outOfRange(value);
  const sizeBytes = Math.ceil(whole.toString(16).length / 2);
  return concatBytes(unsigned(((sizeBytes - 4) << 2) | 3, 1), unsigned(whole, sizeBytes));
}

/** 32 bytes given in hex. Throws `CALL_INVALID`. */
export function hash256(text: HexString): Uint8Array {
  if (!/^0x[0-9a-fA-F]{64}$/.test(text))
    throw new ChainError(
      { code: 'CALL_INVALID', what: 'hash', detail: text },
      `"${text}" is not a 32-byte hash in hex`,
    );
  return fromHex(text);
}

/** Bytes with their length in front. */
export function lengthPrefixed(bytes: Uint8Array): Uint8Array {
  return concatBytes(compact(bytes.length), bytes);
}

/** Items, each already encoded, with their number in front. */
export function vector(items: readonly Uint8Array[]): Uint8Array {
  return concatBytes(compact(items.length), ...items);
}

function wholeNumber(value: number | bigint): bigint {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) throw outOfRange(value);
  const whole = BigInt(value);
  if (whole < 0n) throw outOfRange(value);
  return whole;
}

function outOfRange(value: number | bigint): ChainError {
  return new ChainError(
    { code: 'CALL_INVALID', what: 'integer', detail: String(value) },
    `${value} is not a whole number this field can hold`,
  );
}
