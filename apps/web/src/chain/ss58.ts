/**
 * @file Alice addresses without the wallet's cryptography: SS58 with prefix 300, as the explorer needs them. The wallet
 * itself uses the protocol package. Source: docs.polkadot.com, "SS58 address format".
 */
import { concatBytes, equalBytes, utf8 } from '@alice/protocol';
import { blake2b } from '@noble/hashes/blake2.js';
import { WebError } from '../errors.js';

const DIGITS = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
/** Prefix 300 in the two-byte form. */
const PREFIX = Uint8Array.of(((300 & 0b1111_1100) >> 2) | 0b0100_0000, (300 >> 8) | ((300 & 0b11) << 6));
const CHECKSUM_BYTES = 2;
const CHECKSUM_HEAD = utf8.encode('SS58PRE');

/** The address of a 32-byte account id. */
export function addressOfAccount(account: Uint8Array): string {
  const body = concatBytes(PREFIX, account);
  return base58(concatBytes(body, checksum(body)));
}

/** The 32-byte account id of an address. Throws `ADDRESS_INVALID`. */
export function accountOfAddress(address: string): Uint8Array {
  const bytes = fromBase58(address.trim());
  const body = bytes?.subarray(0, -CHECKSUM_BYTES);
  const isOurs =
    bytes !== undefined &&
    body !== undefined &&
    body.length === PREFIX.length + 32 &&
    equalBytes(body.subarray(0, PREFIX.length), PREFIX) &&
    equalBytes(bytes.subarray(-CHECKSUM_BYTES), checksum(body));
  if (isOurs) return body.slice(PREFIX.length);
  throw new WebError(
    { code: 'ADDRESS_INVALID', address },
    'this is not an Alice address: it starts with "a2" and has no typing errors (the last letters are a checksum)',
  );
}

/** The account id of an address of any network, as wallet extensions hand them out. Throws `ADDRESS_INVALID`. */
export function accountOfAnyAddress(address: string): Uint8Array {
  const bytes = fromBase58(address.trim());
  const head = bytes === undefined || bytes[0]! >= 64 ? 2 : 1;
  const isWhole = bytes?.length === head + 32 + CHECKSUM_BYTES;
  if (isWhole && equalBytes(bytes.subarray(-CHECKSUM_BYTES), checksum(bytes.subarray(0, -CHECKSUM_BYTES))))
    return bytes.slice(head, head + 32);
  throw new WebError(
    { code: 'ADDRESS_INVALID', address },
    'this is not an SS58 address of a 32-byte account',
  );
}

export function isAddress(text: string): boolean {
  try {
    accountOfAddress(text);
    return true;
  } catch {
    return false;
  }
}

const checksum = (body: Uint8Array): Uint8Array =>
  blake2b(concatBytes(CHECKSUM_HEAD, body), { dkLen: 64 }).subarray(0, CHECKSUM_BYTES);

function base58(bytes: Uint8Array): string {
  let value = bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  let text = '';
  for (; value > 0n; value /= 58n) text = DIGITS[Number(value % 58n)] + text;
  return text;
}

/** Leading ones are leading zero bytes: Polkadot's own prefix is zero. */
function fromBase58(text: string): Uint8Array | undefined {
  if (text.length > 64) return undefined;
  let value = 0n;
  for (const digit of text) {
    const at = DIGITS.indexOf(digit);
    if (at < 0) return undefined;
    value = value * 58n + BigInt(at);
  }
  const bytes: number[] = [];
  for (; value > 0n; value >>= 8n) bytes.unshift(Number(value & 255n));
  const zeros = /^1*/.exec(text)![0].length;
  return Uint8Array.from([...new Array<number>(zeros).fill(0), ...bytes]);
}
