/**
 * @file The inverse of `PositionEncoder`. Any coded stream gives strictly ascending positions inside the chunk, exactly
 * as many as asked for, or is refused by the range decoder; so neither order nor range is left to check afterwards.
 */
import { bitPatterns, PATTERN_POSITIONS } from './bitPatterns.js';
import type { RangeDecoder } from './RangeDecoder.js';
import { leftSize, splitTable } from './splitTable.js';

/** Fills one ascending list, chunk by chunk. */
export class PositionDecoder {
  private at = 0;
  private readonly patterns = bitPatterns();

  /** `indices` must have room for all entries asked for. */
  constructor(
    private readonly coder: RangeDecoder,
    private readonly indices: Uint32Array,
  ) {}

  /** Appends `entries` positions among the `size` from `base` on; 0 ≤ entries ≤ size. */
  node(entries: number, base: number, size: number): void {
    if (entries === 0) return;
    if (entries === size) {
      for (let i = 0; i < size; i++) this.indices[this.at++] = base + i;
      return;
    }
    if (entries === 1) {
      this.indices[this.at++] = base + this.coder.uniform(size);
      return;
    }
    if (size <= PATTERN_POSITIONS) {
      this.pattern(entries, base, size);
      return;
    }
    const left = leftSize(size);
    const leftEntries = this.split(size, entries);
    this.node(leftEntries, base, left);
    this.node(entries - leftEntries, base + left, size - left);
  }

  private split(size: number, entries: number): number {
    const { least, starts, likeliest } = splitTable(size, Math.min(entries, size - entries));
    const part = this.coder.partAt();
    let i = likeliest;
    while (starts[i]! > part) i--;
    while (starts[i + 1]! <= part) i++;
    this.coder.take(starts[i]!, starts[i + 1]! - starts[i]!);
    return 2 * entries <= size ? least + i : leftSize(size) - least - i;
  }

  private pattern(entries: number, base: number, size: number): void {
    const { choose, masks, from } = this.patterns;
    const rank = this.coder.uniform(choose[(PATTERN_POSITIONS + 1) * size + entries]!);
    for (let left = masks[from[entries]! + rank]!; left !== 0; left &= left - 1)
      this.indices[this.at++] = base + 31 - Math.clz32(left & -left);
  }
}
