/**
 * @file The inverse of `PositionEncoder`, a chunk at a time. Any coded stream gives strictly ascending positions inside
 * the chunk, exactly as many as asked for, or is refused by the range decoder; so neither order nor range is left to
 * check afterwards. The tree is walked with a stack of its own and the coder's state in local variables: most of the
 * time of a decoder is spent here.
 */
import { bitPatterns, PATTERN_POSITIONS } from './bitPatterns.js';
import type { RangeDecoder } from './RangeDecoder.js';
import { BOTTOM, MAX_UNIFORM, TABLE_BITS, WINDOW } from './rangeCoding.js';
import { GUESS_SHIFT, leftSize, splitTable } from './splitTable.js';

/**
 * The most bytes that the positions of one chunk take: 255 splits of 15.01 bits and 256 patterns of 13.7 bits, however
 * unlikely, come to 916.
 */
export const MOST_CHUNK_BYTES = 1024;
/** Right halves that wait: one a level, three numbers each. */
const STACK = 3 * 16;

export class PositionDecoder {
  /** Where the next position goes. */
  #to = 0;
  readonly #patterns = bitPatterns();
  readonly #waiting = new Int32Array(STACK);

  /** `indices` must have room for all entries asked for; without it positions are only checked. */
  constructor(
    private readonly coder: RangeDecoder,
    private readonly indices: Uint32Array | undefined,
  ) {}

  /** Decodes `entries` positions among the `size` ≤ 4,096 from `base` on; 0 ≤ entries ≤ size. */
  chunk(entries: number, base: number, size: number): void {
    const { coder, indices } = this;
    const { feed } = coder;
    const { bytes } = feed;
    const { choose, masks, from } = this.#patterns;
    const waiting = this.#waiting;
    let { code, range, last } = coder;
    let { at } = feed;
    let to = this.#to;
    let top = 0;
    let k = entries;
    let b = base;
    let n = size;
    for (;;) {
      let left = -1;
      if (k === n) {
        if (indices !== undefined) for (let i = 0; i < n; i++) indices[to + i] = b + i;
        to += k;
      } else if (k > 0) {
        let start: number;
        if (k > 1 && n > PATTERN_POSITIONS) {
          const { least, starts, guesses } = splitTable(n, 2 * k <= n ? k : n - k);
          const unit = range >> TABLE_BITS;
          const part = (code / unit) | 0;
          if (part >= MAX_UNIFORM) throw this.#refusal(at);
          let i = guesses[part >> GUESS_SHIFT]!;
          while (starts[i + 1]! <= part) i++;
          left = 2 * k <= n ? least + i : leftSize(n) - least - i;
          start = Math.imul(starts[i]!, unit);
          range = Math.imul(starts[i + 1]! - starts[i]!, unit);
        } else {
          const count = k === 1 ? n : choose[(PATTERN_POSITIONS + 1) * n + k]!;
          const unit = (count & (count - 1)) === 0 ? range >> (31 - Math.clz32(count)) : (range / count) | 0;
          const symbol = (code / unit) | 0;
          if (symbol >= count) throw this.#refusal(at);
          start = Math.imul(symbol, unit);
          range = unit;
          if (indices === undefined) to += k;
          else if (k === 1) indices[to++] = b + symbol;
          else
            for (let mask = masks[from[k]! + symbol]!; mask !== 0; mask &= mask - 1)
              indices[to++] = b + 31 - Math.clz32(mask & -mask);
        }
        code -= start;
        while (range < BOTTOM) {
          const next = at < bytes.length ? bytes[at]! : coder.beyond(at);
          at++;
          code = ((code << 8) & WINDOW) | ((last & 1) << 7) | (next >>> 1);
          last = next;
          range <<= 8;
        }
      }
      if (left >= 0) {
        const half = leftSize(n);
        waiting[top] = k - left;
        waiting[top + 1] = b + half;
        waiting[top + 2] = n - half;
        top += 3;
        k = left;
        n = half;
        continue;
      }
      if (top === 0) break;
      top -= 3;
      k = waiting[top]!;
      b = waiting[top + 1]!;
      n = waiting[top + 2]!;
    }
    coder.code = code;
    coder.range = range;
    coder.last = last;
    feed.at = at;
    this.#to = to;
  }

  #refusal(at: number): Error {
    this.coder.feed.at = at;
    return this.coder.refusal();
  }
}
