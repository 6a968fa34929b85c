/**
 * @file One immutable node of Substrate's base-16 Merkle-Patricia trie, state version 1, with its encoding cached.
 * Node layout: header (kind bits and partial-key length), packed partial key, child bitmap for branches, value
 * (inline, or its hash when 33 bytes or longer), child references. Format: Polkadot specification, "State storage".
 * Invariant: a node never changes after construction, so versions of the trie share all untouched nodes.
 */
import { concatBytes } from '@alice/protocol';
import { compact } from '../scale.js';
import { blake2 } from './blake2.js';
import { packNibbles } from './nibbles.js';

/** State version 1: values of this length and longer are replaced by their hash inside the node. */
export const HASHED_VALUE_LENGTH = 33;
/** A child whose encoding is shorter than a hash is embedded in its parent instead of referenced. */
export const HASH_LENGTH = 32;

/** Sixteen slots, one per nibble. */
export type Children = readonly (TrieNode | null)[];

/** Kind bits at the top of a node's first byte, and how many bits below them hold the partial-key length. */
const KIND = {
  leaf: { bits: 0b0100_0000, lengthBits: 6 },
  branch: { bits: 0b1000_0000, lengthBits: 6 },
  branchWithValue: { bits: 0b1100_0000, lengthBits: 6 },
  hashedLeaf: { bits: 0b0010_0000, lengthBits: 5 },
  hashedBranch: { bits: 0b0001_0000, lengthBits: 4 },
} as const;

export class TrieNode {
  readonly partialKey: Uint8Array;
  readonly value: Uint8Array | null;
  readonly children: Children | null;
  #encoding: Uint8Array | undefined;
  #reference: Uint8Array | undefined;

  constructor(partialKey: Uint8Array, value: Uint8Array | null, children: Children | null) {
    this.partialKey = partialKey;
    this.value = value;
    this.children = children;
  }

  get valueIsHashed(): boolean {
    return this.value !== null && this.value.length >= HASHED_VALUE_LENGTH;
  }

  /** The node as it is hashed and as it appears in a proof. */
  encoding(): Uint8Array {
    this.#encoding ??= concatBytes(
      ...this.#header(),
      ...this.#bitmap(),
      ...this.#value(),
      ...this.#childReferences(),
    );
    return this.#encoding;
  }

  /** What the parent stores of this node: its hash, or its encoding where that is shorter. */
  reference(): Uint8Array {
    if (!this.#reference) {
      const encoding = this.encoding();
      this.#reference = encoding.length < HASH_LENGTH ? encoding : blake2(encoding);
    }
    return this.#reference;
  }

  #kind(): (typeof KIND)[keyof typeof KIND] {
    if (!this.children) return this.valueIsHashed ? KIND.hashedLeaf : KIND.leaf;
    if (this.value === null) return KIND.branch;
    return this.valueIsHashed ? KIND.hashedBranch : KIND.branchWithValue;
  }

  #header(): Uint8Array[] {
    const { bits, lengthBits } = this.#kind();
    const most = (1 << lengthBits) - 1;
    const length = this.partialKey.length;
    const packed = packNibbles(this.partialKey);
    if (length < most) return [Uint8Array.of(bits | length), packed];
    const head = [bits | most];
    let rest = length - most;
    for (; rest >= 255; rest -= 255) head.push(255);
    head.push(rest);
    return [Uint8Array.from(head), packed];
  }

  #bitmap(): Uint8Array[] {
    if (!this.children) return [];
    let map = 0;
    for (let slot = 0; slot < 16; slot++) if (this.children[slot]) map |= 1 << slot;
    return [Uint8Array.of(map & 0xff, map >> 8)];
  }

  #value(): Uint8Array[] {
    if (this.value === null) return [];
    return this.valueIsHashed ? [blake2(this.value)] : [compact(this.value.length), this.value];
  }

  #childReferences(): Uint8Array[] {
    const parts: Uint8Array[] = [];
    for (const child of this.children ?? []) {
      if (!child) continue;
      const reference = child.reference();
      parts.push(compact(reference.length), reference);
    }
    return parts;
  }
}
