/** @file SHA-256 by the system's library: shards are megabytes, and the portable one is an order of magnitude slower. */
import { createHash } from 'node:crypto';
import type { HashHex } from '@alice/protocol';

export function hashBytes(bytes: Uint8Array): HashHex {
  return `0x${createHash('sha256').update(bytes).digest('hex')}`;
}
