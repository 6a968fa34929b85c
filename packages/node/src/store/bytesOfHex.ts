/**
 * @file Trusted hex → bytes on the hot path. Unlike `fromHex` it does not check the digits: for keys and hashes the
 * node made itself, never for what a client sent.
 */
import { Buffer } from 'node:buffer';
import type { HexString } from '@alice/protocol';

/** The bytes of `0x…`, in a buffer of their own. */
export function bytesOfHex(hex: HexString): Uint8Array {
  return new Uint8Array(Buffer.from(hex.slice(2), 'hex'));
}
