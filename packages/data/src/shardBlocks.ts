/**
 * @file Hashes of the 64 KiB blocks of a shard, so that a part of a shard can be fetched with a Range request and checked
 * alone.
 */
import { createHash } from 'node:crypto';
import type { HashHex } from '@alice/protocol';
import { BLOCK_BYTES, BLOCK_HASH_BYTES, blockCount, blocksRoot } from './blockLayout.js';
import { bytesToTokens } from './shardBytes.js';

/** SHA-256 of each block, 32 bytes each, one after the other; the last block may be shorter. */
export function hashBlocks(bytes: Uint8Array): Uint8Array {
  const hashes = new Uint8Array(blockCount(bytes.length) * BLOCK_HASH_BYTES);
  for (let i = 0; i * BLOCK_BYTES < bytes.length; i++)
    hashes.set(sha256(bytes.subarray(i * BLOCK_BYTES, (i + 1) * BLOCK_BYTES)), i * BLOCK_HASH_BYTES);
  return hashes;
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

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}
