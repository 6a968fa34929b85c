/**
 * @file The root over an ordered list, used for a block's extrinsics: a trie from the compact-encoded index to the
 * item, as Substrate's `ordered_trie_root` builds it, state version 1.
 */
import { compact } from '../scale.js';
import { Trie } from './Trie.js';

/** The 32-byte root of `items` in their order; the empty list has the empty trie's root. */
export function orderedRoot(items: readonly Uint8Array[]): Uint8Array {
  return Trie.from(items.map((item, index) => [compact(index), item] as const)).root();
}
