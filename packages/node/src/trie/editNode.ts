/**
 * @file Insertion and removal in the trie without changing any existing node: both return a new sub-trie that shares
 * what they did not touch. Paths are nibbles relative to the node given.
 * Invariant kept: a branch has two children or more, or one child and a value, so equal contents give equal tries.
 */
import { concatBytes } from '@alice/protocol';
import { sharedPrefixLength } from './nibbles.js';
import { TrieNode } from './TrieNode.js';

/** The sub-trie with `value` at `path`. Cost: depth of the path. */
export function inserted(node: TrieNode | null, path: Uint8Array, value: Uint8Array): TrieNode {
  if (!node) return new TrieNode(path, value, null);
  const shared = sharedPrefixLength(node.partialKey, path);
  if (shared < node.partialKey.length) return split(node, path, { shared, value });
  if (shared === path.length) return new TrieNode(node.partialKey, value, node.children);
  const children = node.children ? node.children.slice() : emptyChildren();
  const slot = path[shared]!;
  children[slot] = inserted(children[slot] ?? null, path.slice(shared + 1), value);
  return new TrieNode(node.partialKey, node.value, children);
}

/** The sub-trie without `path`; the very same node when the path was not there. */
export function removed(node: TrieNode | null, path: Uint8Array): TrieNode | null {
  if (!node) return null;
  const shared = sharedPrefixLength(node.partialKey, path);
  if (shared < node.partialKey.length) return node;
  if (shared === path.length)
    return node.value === null ? node : normalised(new TrieNode(node.partialKey, null, node.children));
  const slot = path[shared]!;
  const child = node.children?.[slot] ?? null;
  const rest = removed(child, path.slice(shared + 1));
  if (rest === child || !node.children) return node;
  const children = node.children.slice();
  children[slot] = rest;
  return normalised(new TrieNode(node.partialKey, node.value, children));
}

function split(node: TrieNode, path: Uint8Array, at: { shared: number; value: Uint8Array }): TrieNode {
  const { shared, value } = at;
  const children = emptyChildren();
  children[node.partialKey[shared]!] = new TrieNode(
    node.partialKey.slice(shared + 1),
    node.value,
    node.children,
  );
  const head = path.slice(0, shared);
  if (shared === path.length) return new TrieNode(head, value, children);
  children[path[shared]!] = new TrieNode(path.slice(shared + 1), value, null);
  return new TrieNode(head, null, children);
}

/** Undoes what a removal left over: an empty node goes, a lone child is merged into its parent. */
function normalised(node: TrieNode): TrieNode | null {
  if (!node.children) return node.value === null ? null : node;
  const slots = [...node.children.keys()].filter((slot) => node.children?.[slot]);
  if (slots.length === 0) return node.value === null ? null : new TrieNode(node.partialKey, node.value, null);
  if (slots.length > 1 || node.value !== null) return node;
  const child = node.children[slots[0]!]!;
  return new TrieNode(
    concatBytes(node.partialKey, Uint8Array.of(slots[0]!), child.partialKey),
    child.value,
    child.children,
  );
}

function emptyChildren(): (TrieNode | null)[] {
  return new Array<TrieNode | null>(16).fill(null);
}
