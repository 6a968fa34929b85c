/**
 * @file The byte order of store keys. LMDB sorts keys as bytes, so numbers are big-endian. A history key is
 * `length(2) | state key | block number(4)`: with the length in front, the range of one state key can never contain
 * another key's entries, whatever bytes they are made of.
 */
import { concatBytes } from '@alice/protocol';

/** LMDB takes keys of 1 to 1,978 bytes, a history key's frame included; the runtime's are far shorter. */
const MOST_KEY_BYTES = 1024;

/** Whether a state key can be in the store at all; LMDB throws on others, whoever sent them. */
export function isStorable(key: Uint8Array): boolean {
  return key.length > 0 && key.length <= MOST_KEY_BYTES;
}

/** Where a range that begins at `key` can begin in the store: no storable key lies between the two. */
export function rangeStart(key: Uint8Array): Uint8Array {
  return key.subarray(0, MOST_KEY_BYTES);
}

export function numberKey(number: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, number);
  return bytes;
}

/** Where the value that `key` had BEFORE block `number` is kept. */
export function historyKey(key: Uint8Array, number: number): Uint8Array {
  return concatBytes(Uint8Array.of(key.length >> 8, key.length & 0xff), key, numberKey(number));
}

/** The smallest key that is greater than every key with this prefix; `undefined` when there is none. */
export function afterPrefix(prefix: Uint8Array): Uint8Array | undefined {
  for (let last = prefix.length - 1; last >= 0; last--) {
    if (prefix[last] === 0xff) continue;
    const bound = prefix.slice(0, last + 1);
    bound[last] = bound[last]! + 1;
    return bound;
  }
  return undefined;
}
