/**
 * @file Substrate's state trie (base-16 Merkle-Patricia, state version 1), held in memory and immutable: `put` and
 * `delete` return a new trie that shares all untouched nodes, so keeping the tries of recent blocks costs little.
 * It authenticates the state; reading it fast and keeping it on disk is the store's work.
 * Cost: O(depth) per change; hashing is done once per changed node, when a root or proof is asked for.
 */
import { toHex } from '@alice/protocol';
import { blake2 } from './blake2.js';
import { inserted, removed } from './editNode.js';
import { sharedPrefixLength, toNibbles } from './nibbles.js';
import { HASH_LENGTH, type TrieNode } from './TrieNode.js';

/** The encoding of a trie without entries. */
const EMPTY_ENCODING = Uint8Array.of(0);

export class Trie {
  static readonly empty = new Trie(null);
  readonly #root: TrieNode | null;

  private constructor(root: TrieNode | null) {
    this.#root = root;
  }

  /** A trie over all entries; later ones win. */
  static from(entries: Iterable<readonly [Uint8Array, Uint8Array]>): Trie {
    let root: TrieNode | null = null;
    for (const [key, value] of entries) root = inserted(root, toNibbles(key), value);
    return new Trie(root);
  }

  put(key: Uint8Array, value: Uint8Array): Trie {
    return new Trie(inserted(this.#root, toNibbles(key), value));
  }

  delete(key: Uint8Array): Trie {
    const root = removed(this.#root, toNibbles(key));
    return root === this.#root ? this : new Trie(root);
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const path = this.#walk(key);
    return path.found?.value ?? undefined;
  }

  /** The 32-byte state root. */
  root(): Uint8Array {
    return blake2(this.#root ? this.#root.encoding() : EMPTY_ENCODING);
  }

  /**
   * The encoded nodes (and long values) that prove what the keys hold, or that they hold nothing; each piece once,
   * the root first. Verified by hashing down from the state root.
   */
  proof(keys: readonly Uint8Array[]): Uint8Array[] {
    const pieces = new Map<string, Uint8Array>();
    const add = (piece: Uint8Array): void => void pieces.set(toHex(piece), piece);
    add(this.#root ? this.#root.encoding() : EMPTY_ENCODING);
    for (const key of keys) {
      const { visited, found } = this.#walk(key);
      for (const node of visited) if (node.encoding().length >= HASH_LENGTH) add(node.encoding());
      if (found?.valueIsHashed && found.value) add(found.value);
    }
    return [...pieces.values()];
  }

  #walk(key: Uint8Array): { visited: TrieNode[]; found: TrieNode | undefined } {
    const visited: TrieNode[] = [];
    let path = toNibbles(key);
    let node = this.#root;
    while (node) {
      visited.push(node);
      const shared = sharedPrefixLength(node.partialKey, path);
      if (shared < node.partialKey.length) break;
      if (shared === path.length) return { visited, found: node };
      node = node.children?.[path[shared]!] ?? null;
      path = path.subarray(shared + 1);
    }
    return { visited, found: undefined };
  }
}
