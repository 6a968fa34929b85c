/** @file Tokens as a shard stores them: 2 bytes each, little endian, nothing else (DATA-1). */
import { createHash } from 'node:crypto';
import { endianness } from 'node:os';
import { bytesOf, type HashHex } from '@alice/protocol';

const IS_LITTLE = endianness() === 'LE';

export function shardFileName(id: number): string {
  return `shard-${String(id).padStart(6, '0')}.bin`;
}

/** The bytes of tokens; on little-endian machines a view of the same memory. */
export function tokensToBytes(tokens: Uint16Array): Uint8Array {
  return IS_LITTLE ? bytesOf(tokens) : Buffer.from(bytesOf(tokens)).swap16();
}

/** The tokens of an even number of bytes, in memory of their own. */
export function bytesToTokens(bytes: Uint8Array): Uint16Array {
  const copy = new Uint8Array(bytes);
  if (!IS_LITTLE) Buffer.from(copy.buffer).swap16();
  return new Uint16Array(copy.buffer);
}

/** SHA-256 by the system's library: shards are megabytes, and the portable one is an order of magnitude slower. */
export function hashBytes(bytes: Uint8Array): HashHex {
  return `0x${createHash('sha256').update(bytes).digest('hex')}`;
}
