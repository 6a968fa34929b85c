/**
 * @file Hashes of the 64 KiB blocks of a shard, so that a part of a shard can be fetched with a Range request and checked
 * alone. The manifest names, per shard, the Merkle root over its blocks' hashes; the hashes themselves of all shards
 * lie one after the other in `blocks.bin` (32 bytes each, in shard order), of which a client fetches a shard's own.
 */
import { createHash } from 'node:crypto';
import { type HashHex, merkleRoot } from '@alice/protocol';
import { requireInteger } from './errors.js';
import { bytesToTokens } from './shardBytes.js';

export const BLOCK_BYTES = 65_536;
export const BLOCKS_FILE = 'blocks.bin';
export const BLOCK_HASH_BYTES = 32;

/** SHA-256 of each block, 32 bytes each, one after the other; the last block may be shorter. */
export function hashBlocks(bytes: Uint8Array): Uint8Array {
  const hashes = new Uint8Array(blockCount(bytes.length) * BLOCK_HASH_BYTES);
  for (let i = 0; i * BLOCK_BYTES < bytes.length; i++)
    hashes.set(sha256(bytes.subarray(i * BLOCK_BYTES, (i + 1) * BLOCK_BYTES)), i * BLOCK_HASH_BYTES);
  return hashes;
}

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

export interface FetchedBlocks {
  readonly shard: { readonly bytes: number; readonly blocks: HashHex };
  /** The shard's part of the file of block hashes. */
  readonly hashes: Uint8Array;
  /** The bytes from `from` on, whole blocks. */
  readonly bytes: Uint8Array;
  readonly from: number;
}

/** The tokens of fetched blocks; null when the hashes or a block are not the manifest's. */
export function tokensOfBlocks({ shard, hashes, bytes, from }: FetchedBlocks): Uint16Array | null {
  const isWhole =
    from % BLOCK_BYTES === 0 && (bytes.length % BLOCK_BYTES === 0 || from + bytes.length === shard.bytes);
  const isExpected =
    hashes.length === blockCount(shard.bytes) * BLOCK_HASH_BYTES && blocksRoot(hashes) === shard.blocks;
  if (!isWhole || !isExpected || from + bytes.length > shard.bytes) return null;
  const wanted = hashes.subarray((from / BLOCK_BYTES) * BLOCK_HASH_BYTES);
  return Buffer.compare(
    hashBlocks(bytes),
    wanted.subarray(0, blockCount(bytes.length) * BLOCK_HASH_BYTES),
  ) === 0
    ? bytesToTokens(bytes)
    : null;
}

function blockCount(bytes: number): number {
  return Math.ceil(bytes / BLOCK_BYTES);
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}
