/**
 * @file Merkle trees over ordered leaves (RFC 6962 §2.1) and inclusion proofs for them. Leaves and inner nodes are hashed
 * with different prefixes, so a node can never pass as a leaf; an odd node rises unchanged. Position and number of leaves
 * are part of what is proven.
 */
import { concatBytes, fromHex, toHex } from './bytes.js';
import { type HashHex, sha256, sha256Hex } from './hash.js';

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

export interface MerkleProof {
  /** Position of the leaf, from 0, and how many leaves there are. */
  readonly index: number;
  readonly count: number;
  /** Siblings from the leaf to the root; a level where the node has none adds none. */
  readonly path: readonly HashHex[];
}

export interface MerkleTree {
  readonly root: HashHex;
  /** Proof for the leaf at `index`. Cost: O(log leaves). */
  proof(index: number): MerkleProof;
}

export function leafHash(leaf: Uint8Array): Uint8Array {
  return sha256(concatBytes(LEAF, leaf));
}

/** The root over the leaves themselves. No leaves give the hash of the empty string. */
export function merkleRoot(leaves: readonly Uint8Array[]): HashHex {
  return merkleTree(leaves.map(leafHash)).root;
}

/** The tree over hashes of leaves, for proofs of many of them. Cost: one hash a leaf, 64 bytes of memory a leaf. */
export function merkleTree(leafHashes: readonly Uint8Array[]): MerkleTree {
  const levels = [leafHashes];
  while (levels.at(-1)!.length > 1) levels.push(above(levels.at(-1)!));
  const top = levels.at(-1)![0];
  return {
    root: top ? toHex(top) : sha256Hex(new Uint8Array()),
    proof(index) {
      if (!leafHashes[index]) throw new Error(`cannot happen: no leaf ${index} of ${leafHashes.length}`);
      const siblings = levels.map((level, height) => level[(index >> height) ^ 1]);
      return {
        index,
        count: leafHashes.length,
        path: siblings.flatMap((sibling) => (sibling ? [toHex(sibling)] : [])),
      };
    },
  };
}

/** The root that `leaf` at that place leads to; undefined when the path does not fit the place. */
export function merkleRootFrom(leaf: Uint8Array, { index, count, path }: MerkleProof): HashHex | undefined {
  if (!Number.isSafeInteger(index) || index < 0 || index >= count) return undefined;
  let hash = leafHash(leaf);
  let used = 0;
  for (let [at, size] = [index, count]; size > 1; at = Math.floor(at / 2), size = Math.ceil(size / 2)) {
    const isLeft = at % 2 === 0;
    if (isLeft && at + 1 >= size) continue;
    const text = path[used++];
    if (text === undefined) return undefined;
    hash = isLeft ? nodeHash(hash, fromHex(text)) : nodeHash(fromHex(text), hash);
  }
  return used === path.length ? toHex(hash) : undefined;
}

function above(level: readonly Uint8Array[]): Uint8Array[] {
  const next: Uint8Array[] = [];
  for (let i = 0; i < level.length; i += 2) {
    const right = level[i + 1];
    next.push(right ? nodeHash(level[i]!, right) : level[i]!);
  }
  return next;
}

function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(concatBytes(NODE, left, right));
}
