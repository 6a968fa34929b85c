/** @file One hash for a whole dataset: what the network's data is compared by. */
import { concatBytes, fromHex, type HashHex, merkleRoot } from '@alice/protocol';

/** Bytes of a split in a leaf: a shard that changes sides changes the root. */
const SPLIT_BYTE = { train: 0, validation: 1, audit: 2 } as const;

/**
 * The Merkle root over the shards in order; leaf = split (1 byte: 0 training, 1 validation, 2 audit) ‖ SHA-256 of the shard.
 * Cost: two hashes a shard.
 */
export function datasetRoot(
  shards: readonly { readonly split: 'train' | 'validation' | 'audit'; readonly sha256: HashHex }[],
): HashHex {
  return merkleRoot(
    shards.map((shard) => concatBytes(Uint8Array.of(SPLIT_BYTE[shard.split]), fromHex(shard.sha256))),
  );
}
