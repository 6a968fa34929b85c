/** @file Which positions of a chunk have an entry, given how many: the gaps between them, as gapCode.ts says. */
import { type BitWriter, MOST_BITS } from './BitWriter.js';
import { gapDivisor, isMostlyFull, remainderBits } from './gapCode.js';

/** Codes sets of positions out of one ascending list. */
export class PositionEncoder {
  constructor(
    private readonly writer: BitWriter,
    private readonly indices: Uint32Array,
  ) {}

  /** Entries `from` … `to` − 1 of the list, all within the `size` ≤ 4,096 positions from `base` on. */
  chunk(from: number, to: number, { base, size }: { base: number; size: number }): void {
    const entries = to - from;
    if (entries === 0 || entries === size) return;
    const part = this.indices.subarray(from, to);
    if (isMostlyFull(entries, size)) this.gaps(freeOf(part, { base, size }), { base: 0, size });
    else this.gaps(part, { base, size });
  }

  private gaps(positions: Uint32Array, { base, size }: { base: number; size: number }): void {
    const { writer } = this;
    const last = positions.length - 1;
    const divisor = gapDivisor(positions.length, size);
    const bits = remainderBits(divisor);
    const shorter = (1 << bits) - divisor;
    let next = base;
    for (let i = 0; i < last; i++) {
      const gap = positions[i]! - next;
      const skipped = (gap / divisor) | 0;
      const rest = gap - skipped * divisor;
      const isLonger = rest >= shorter;
      const count = isLonger ? bits : bits - 1;
      const code = (1 << count) | (isLonger ? rest + shorter : rest);
      if (skipped + count < MOST_BITS) writer.put(code, skipped + 1 + count);
      else {
        writer.zeros(skipped);
        writer.put(code, 1 + count);
      }
      next = positions[i]! + 1;
    }
    this.lastGap(positions[last]! - next, base + size - next);
  }

  /** One of the positions that are left, all equally likely. */
  private lastGap(gap: number, left: number): void {
    const bits = remainderBits(left);
    const shorter = (1 << bits) - left;
    if (gap < shorter) this.writer.put(gap, bits - 1);
    else this.writer.put(gap + shorter, bits);
  }
}

/** The positions below `size`, counted from `base`, that are not in the ascending list. */
function freeOf(taken: Uint32Array, { base, size }: { base: number; size: number }): Uint32Array {
  const free = new Uint32Array(size - taken.length);
  let to = 0;
  let next = 0;
  for (const index of taken) {
    for (; next < index - base; next++) free[to++] = next;
    next = index - base + 1;
  }
  for (; next < size; next++) free[to++] = next;
  return free;
}
