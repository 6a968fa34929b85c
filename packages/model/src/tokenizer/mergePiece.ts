/**
 * @file Byte-pair encoding of one piece: merge the neighbours of lowest rank, leftmost first, until no pair merges
 * (Sennrich et al. 2016, the order tiktoken uses). Short pieces by plain scanning; long ones with a heap of pairs, so
 * that a hostile line of megabytes costs n·log n instead of n². Both give the same ids.
 */
import { NO_MERGE, type PairTable } from './pairTable.js';

/** Up to this many bytes scanning is quicker than the heap. */
const SCAN_LIMIT = 96;

/** Merges `ids` (one id per byte) in place; the result is its first entries, whose number is returned. */
export function mergePiece(ids: Uint16Array, pairs: PairTable): number {
  return ids.length <= SCAN_LIMIT ? mergeByScan(ids, pairs) : mergeByHeap(ids, pairs);
}

const scanRanks = new Uint16Array(SCAN_LIMIT);

/** Cost: n² steps for n bytes. */
export function mergeByScan(ids: Uint16Array, pairs: PairTable): number {
  const ranks = ids.length <= SCAN_LIMIT ? scanRanks : new Uint16Array(ids.length);
  let length = ids.length;
  for (let i = 0; i + 1 < length; i++) ranks[i] = pairs.find(ids[i]!, ids[i + 1]!);
  for (;;) {
    let best = NO_MERGE;
    let at = -1;
    for (let i = 0; i + 1 < length; i++) {
      if (ranks[i]! >= best) continue;
      best = ranks[i]!;
      at = i;
    }
    if (at < 0) return length;
    ids[at] = best;
    length--;
    ids.copyWithin(at + 1, at + 2, length + 1);
    ranks.copyWithin(at + 1, at + 2, length);
    if (at > 0) ranks[at - 1] = pairs.find(ids[at - 1]!, best);
    if (at + 1 < length) ranks[at] = pairs.find(best, ids[at + 1]!);
  }
}

/** Cost: n·log n steps and about 30 bytes of memory per byte. */
export function mergeByHeap(ids: Uint16Array, pairs: PairTable): number {
  const count = ids.length;
  const next = new Int32Array(count);
  const previous = new Int32Array(count);
  const ranks = new Uint16Array(count).fill(NO_MERGE);
  const heap = new PairHeap(count);
  const rate = (at: number): void => {
    const right = next[at]!;
    const rank = right < count ? pairs.find(ids[at]!, ids[right]!) : NO_MERGE;
    ranks[at] = rank;
    if (rank !== NO_MERGE) heap.push(rank * 2 ** 32 + at);
  };
  for (let i = 0; i < count; i++) {
    next[i] = i + 1;
    previous[i] = i - 1;
  }
  for (let i = 0; i < count; i++) rate(i);
  while (heap.size > 0) {
    const key = heap.pop();
    const rank = Math.floor(key / 2 ** 32);
    const at = key - rank * 2 ** 32;
    // An entry is stale when its pair has been merged away or changed since.
    if (ranks[at] !== rank) continue;
    const gone = next[at]!;
    ids[at] = rank;
    ranks[gone] = NO_MERGE;
    next[at] = next[gone]!;
    if (next[at]! < count) previous[next[at]!] = at;
    rate(at);
    if (previous[at]! >= 0) rate(previous[at]!);
  }
  return compact(ids, next);
}

function compact(ids: Uint16Array, next: Int32Array): number {
  let length = 0;
  for (let at = 0; at < ids.length; at = next[at]!) ids[length++] = ids[at]!;
  return length;
}

/** A binary min-heap of numbers: rank · 2³² + position, so that equal ranks come leftmost first. */
class PairHeap {
  size = 0;
  #keys: Float64Array;

  constructor(capacity: number) {
    this.#keys = new Float64Array(Math.max(16, capacity));
  }

  push(key: number): void {
    if (this.size === this.#keys.length) {
      const larger = new Float64Array(2 * this.size);
      larger.set(this.#keys);
      this.#keys = larger;
    }
    const keys = this.#keys;
    let at = this.size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (keys[parent]! <= key) break;
      keys[at] = keys[parent]!;
      at = parent;
    }
    keys[at] = key;
  }

  pop(): number {
    const keys = this.#keys;
    const top = keys[0]!;
    const key = keys[--this.size]!;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.size) break;
      if (child + 1 < this.size && keys[child + 1]! < keys[child]!) child++;
      if (keys[child]! >= key) break;
      keys[at] = keys[child]!;
      at = child;
    }
    keys[at] = key;
    return top;
  }
}
