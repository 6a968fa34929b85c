/**
 * @file Where the 64 KiB blocks of a shard lie and how their hashes are named. The manifest names, per shard, the Merkle root
 * over its blocks' hashes; the hashes of all shards lie one after the other in `blocks.bin` (32 bytes each, in shard
 * order), of which a client fetches a shard's own. Runs in browsers too.
 */
import { type HashHex, merkleRoot } from '@alice/protocol';
import { requireInteger } from './errors.js';

export const BLOCK_BYTES = 65_536;
export const BLOCKS_FILE = 'blocks.bin';
export const BLOCK_HASH_BYTES = 32;

/** The root that a shard's manifest entry names its blocks by. */
export function blocksRoot(hashes: Uint8Array): HashHex {
  const leaves: Uint8Array[] = [];
  for (let at = 0; at < hashes.length; at += BLOCK_HASH_BYTES)
    leaves.push(hashes.subarray(at, at + BLOCK_HASH_BYTES));
  return merkleRoot(leaves);
}

/** The bytes [from, to) of the file of block hashes that are shard `id`'s. */
export function blockHashRange(
  shards: readonly { readonly bytes: number }[],
  id: number,
): { readonly from: number; readonly to: number } {
  let from = 0;
  for (const { bytes } of shards.slice(0, id)) from += blockCount(bytes) * BLOCK_HASH_BYTES;
  return { from, to: from + blockCount(shards[id]?.bytes ?? 0) * BLOCK_HASH_BYTES };
}

/** Bytes [from, to) of a shard that must be fetched, whole blocks, to have its tokens [first, first + count). */
export function bytesToFetch(
  shard: { readonly tokens: number },
  { first, count }: { readonly first: number; readonly count: number },
): { readonly from: number; readonly to: number } {
  requireInteger('first', first, 0, shard.tokens - 1);
  requireInteger('count', count, 1, shard.tokens - first);
  const from = Math.floor((2 * first) / BLOCK_BYTES) * BLOCK_BYTES;
  const to = Math.ceil((2 * (first + count)) / BLOCK_BYTES) * BLOCK_BYTES;
  return { from, to: Math.min(to, 2 * shard.tokens) };
}

export function blockCount(bytes: number): number {
  return Math.ceil(bytes / BLOCK_BYTES);
}
