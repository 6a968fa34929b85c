/**
 * @file Keys of a base-16 trie: a byte string as half-bytes ("nibbles"), high half first, and the way back into
 * packed bytes inside an encoded node.
 */

/** Key bytes → one nibble per element, twice as long. */
export function toNibbles(key: Uint8Array): Uint8Array {
  const nibbles = new Uint8Array(2 * key.length);
  for (let i = 0; i < key.length; i++) {
    nibbles[2 * i] = key[i]! >> 4;
    nibbles[2 * i + 1] = key[i]! & 15;
  }
  return nibbles;
}

/** Nibbles → bytes; an odd count begins with one byte that holds the first nibble alone. */
export function packNibbles(nibbles: Uint8Array): Uint8Array {
  const odd = nibbles.length & 1;
  const packed = new Uint8Array((nibbles.length + odd) / 2);
  if (odd) packed[0] = nibbles[0]!;
  for (let i = odd; i < nibbles.length; i += 2) packed[(i + odd) / 2] = (nibbles[i]! << 4) | nibbles[i + 1]!;
  return packed;
}

/** How many leading nibbles both share. */
export function sharedPrefixLength(a: Uint8Array, b: Uint8Array): number {
  const limit = Math.min(a.length, b.length);
  let count = 0;
  while (count < limit && a[count] === b[count]) count++;
  return count;
}
