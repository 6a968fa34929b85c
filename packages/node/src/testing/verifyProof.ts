/**
 * @file Reads a value out of a trie proof, trusting nothing but the state root: the other side of `Trie.proof`. It
 * decodes nodes on its own and shares no code with the trie's encoder, so that each checks the other.
 */
import { toHex } from '@alice/protocol';
import { blake2 } from '../trie/blake2.js';
import { toNibbles } from '../trie/nibbles.js';

/** What a proof says about a key; `incomplete` when a needed piece is missing or does not hash to its reference. */
export type ProvenValue =
  | { readonly kind: 'present'; readonly value: Uint8Array }
  | { readonly kind: 'absent' }
  | { readonly kind: 'incomplete' };

interface DecodedNode {
  readonly partialKey: Uint8Array;
  readonly value: Uint8Array | undefined;
  readonly valueHash: Uint8Array | undefined;
  readonly children: readonly (Uint8Array | undefined)[];
}

/** Walks from `root` towards `key` through the pieces. Malformed pieces throw a `RangeError`. */
export function verifyProof(root: Uint8Array, pieces: readonly Uint8Array[], key: Uint8Array): ProvenValue {
  const byHash = new Map(pieces.map((piece) => [toHex(blake2(piece)), piece]));
  let path = toNibbles(key);
  let encoded = byHash.get(toHex(root));
  while (encoded) {
    if (encoded.length === 1 && encoded[0] === 0) return { kind: 'absent' };
    const node = decodeNode(encoded);
    const { partialKey } = node;
    if (partialKey.length > path.length || partialKey.some((nibble, i) => nibble !== path[i]))
      return { kind: 'absent' };
    path = path.subarray(partialKey.length);
    if (path.length === 0) return valueIn(node, byHash);
    const reference = node.children[path[0]!];
    if (!reference) return { kind: 'absent' };
    path = path.subarray(1);
    encoded = reference.length < 32 ? reference : byHash.get(toHex(reference));
  }
  return { kind: 'incomplete' };
}

function valueIn(node: DecodedNode, byHash: ReadonlyMap<string, Uint8Array>): ProvenValue {
  if (node.value) return { kind: 'present', value: node.value };
  if (!node.valueHash) return { kind: 'absent' };
  const value = byHash.get(toHex(node.valueHash));
  return value ? { kind: 'present', value } : { kind: 'incomplete' };
}

/** A cursor that refuses to read past the end. */
class Cursor {
  #at = 0;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  take(count: number): Uint8Array {
    if (this.#at + count > this.#bytes.length) throw new RangeError('trie node is cut short');
    this.#at += count;
    return this.#bytes.slice(this.#at - count, this.#at);
  }

  byte(): number {
    return this.take(1)[0]!;
  }

  /** A length-prefixed byte string; lengths of 2³⁰ and more cannot occur in a node. */
  sized(): Uint8Array {
    const first = this.byte();
    const mode = first & 3;
    if (mode === 0) return this.take(first >> 2);
    if (mode === 1) return this.take((first + this.byte() * 256) >> 2);
    if (mode === 2)
      return this.take((first + this.byte() * 2 ** 8 + this.byte() * 2 ** 16 + this.byte() * 2 ** 24) / 4);
    throw new RangeError('trie node holds an impossible length');
  }
}

function decodeNode(encoded: Uint8Array): DecodedNode {
  const cursor = new Cursor(encoded);
  const first = cursor.byte();
  const kind = kindOf(first);
  const partialKey = readPartialKey(cursor, first, kind.lengthBits);
  const bitmap = kind.branch ? cursor.byte() + 256 * cursor.byte() : 0;
  const value = kind.value === 'inline' ? cursor.sized() : undefined;
  const valueHash = kind.value === 'hash' ? cursor.take(32) : undefined;
  const children = Array.from({ length: 16 }, (_, slot) =>
    bitmap & (1 << slot) ? cursor.sized() : undefined,
  );
  return { partialKey, value, valueHash, children };
}

function kindOf(first: number): { branch: boolean; value: 'none' | 'inline' | 'hash'; lengthBits: number } {
  if (first >> 6 === 0b01) return { branch: false, value: 'inline', lengthBits: 6 };
  if (first >> 6 === 0b10) return { branch: true, value: 'none', lengthBits: 6 };
  if (first >> 6 === 0b11) return { branch: true, value: 'inline', lengthBits: 6 };
  if (first >> 5 === 0b001) return { branch: false, value: 'hash', lengthBits: 5 };
  if (first >> 4 === 0b0001) return { branch: true, value: 'hash', lengthBits: 4 };
  throw new RangeError('not a trie node');
}

function readPartialKey(cursor: Cursor, first: number, lengthBits: number): Uint8Array {
  const most = 2 ** lengthBits - 1;
  let length = first & most;
  if (length === most)
    for (let more = 255; more === 255; ) {
      more = cursor.byte();
      length += more;
    }
  const packed = toNibbles(cursor.take(Math.ceil(length / 2)));
  return packed.slice(packed.length - length);
}
