/**
 * @file The merge table of a byte-pair tokenizer: which id two neighbouring ids merge into. Open addressing over typed
 * arrays: a look-up is the inner step of encoding, and a Map with 32-bit number keys was measured several times slower.
 */

/** The answer of `PairTable.find` for two ids that do not merge. */
export const NO_MERGE = 0xffff;

export interface PairTable {
  /** The id that `left` and `right` merge into, which is also the merge's rank; `NO_MERGE` if they do not. */
  find(left: number, right: number): number;
}

const EMPTY = 0xffffffff;

/**
 * All merges of a rank table: a pair merges when its joined bytes are a byte string of the table (tiktoken's rule).
 * Cost: one look-up pair for each way to cut each byte string.
 */
export function buildPairTable(table: readonly string[]): PairTable {
  const idOf = new Map(table.map((bytes, id) => [bytes, id]));
  const keys: number[] = [];
  const merged: number[] = [];
  for (const [id, bytes] of table.entries()) {
    for (let cut = 1; cut < bytes.length; cut++) {
      const left = idOf.get(bytes.slice(0, cut));
      const right = left === undefined ? undefined : idOf.get(bytes.slice(cut));
      if (left === undefined || right === undefined) continue;
      keys.push(((left << 16) | right) >>> 0);
      merged.push(id);
    }
  }
  return hashed(keys, merged);
}

function hashed(keys: readonly number[], merged: readonly number[]): PairTable {
  const bits = Math.max(4, Math.ceil(Math.log2(2 * keys.length + 1)));
  const mask = 2 ** bits - 1;
  const slots = new Uint32Array(2 ** bits).fill(EMPTY);
  const values = new Uint16Array(2 ** bits);
  // Fibonacci hashing: the upper bits of key · 2³²/φ.
  const home = (key: number): number => Math.imul(key, 0x9e3779b1) >>> (32 - bits);
  for (const [i, key] of keys.entries()) {
    let slot = home(key);
    while (slots[slot] !== EMPTY) slot = (slot + 1) & mask;
    slots[slot] = key;
    values[slot] = merged[i]!;
  }
  const find = (left: number, right: number): number => {
    const key = ((left << 16) | right) >>> 0;
    for (let slot = home(key); ; slot = (slot + 1) & mask) {
      const found = slots[slot];
      if (found === key) return values[slot]!;
      if (found === EMPTY) return NO_MERGE;
    }
  };
  return { find };
}
