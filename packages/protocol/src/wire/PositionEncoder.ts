/**
 * @file Which positions of a chunk have an entry, given how many: the chunk is halved again and again, and each time
 * the number of entries on the left is coded with its exact chance, so that a set costs log2 C(n, k) bits and little
 * more. Halves without entries or full of them cost nothing; table in docs/spec/wire.md. Method: recursive halving,
 * as in Moffat and Stuiver 2000, "Binary interpolative coding", with hypergeometric chances instead of plain bits.
 */
import { bitPatterns, PATTERN_POSITIONS } from './bitPatterns.js';
import type { RangeEncoder } from './RangeEncoder.js';
import { leftSize, splitTable } from './splitTable.js';

/** Codes sets of positions out of one ascending list. */
export class PositionEncoder {
  private readonly patterns = bitPatterns();

  constructor(
    private readonly coder: RangeEncoder,
    private readonly indices: Uint32Array,
  ) {}

  /** Entries `from` … `to` − 1 of the list, all within the `size` positions from `base` on. */
  node(from: number, to: number, base: number, size: number): void {
    const entries = to - from;
    if (entries === 0 || entries === size) return;
    if (entries === 1) {
      this.coder.uniform(this.indices[from]! - base, size);
      return;
    }
    if (size <= PATTERN_POSITIONS) {
      this.pattern(from, to, base, size);
      return;
    }
    const left = leftSize(size);
    const cut = this.firstAtLeast(base + left, from, to);
    this.split(size, entries, cut - from);
    this.node(from, cut, base, left);
    this.node(cut, to, base + left, size - left);
  }

  /** More than half full: the gaps are counted instead, so that tables are needed up to one half only. */
  private split(size: number, entries: number, leftEntries: number): void {
    const counted = 2 * entries <= size ? leftEntries : leftSize(size) - leftEntries;
    const { least, starts } = splitTable(size, Math.min(entries, size - entries));
    const start = starts[counted - least]!;
    this.coder.part(start, starts[counted - least + 1]! - start);
  }

  private pattern(from: number, to: number, base: number, size: number): void {
    let mask = 0;
    for (let entry = from; entry < to; entry++) mask |= 1 << (this.indices[entry]! - base);
    const count = this.patterns.choose[(PATTERN_POSITIONS + 1) * size + to - from]!;
    this.coder.uniform(this.patterns.rankOf[mask]!, count);
  }

  private firstAtLeast(index: number, from: number, to: number): number {
    let low = from;
    let high = to;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.indices[middle]! < index) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
