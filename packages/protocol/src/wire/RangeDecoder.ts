/**
 * @file Bytes → symbols, from bytes nobody vouches for: it never reads past the end, every value outside the tables is
 * refused, and `finish` accepts exactly the bytes that `RangeEncoder` writes for the same symbols. Proof of the last:
 * the symbols fix the interval; the encoder's number is the smallest multiple of 2²³ in it, the only one less than
 * 2²³ above its lower end, and `finish` demands that with all lower bits zero.
 */

import type { ByteFeed } from './ByteFeed.js';
import { needBytes, noMoreThan } from './ByteReader.js';
import { notCanonical } from './bodyErrors.js';
import { BOTTOM, CHANCE_BITS, learned, WINDOW } from './rangeCoding.js';

/** Zero bytes that the encoder leaves out at the end. */
const IMPLIED_BYTES = 3;
/** Bytes it has to see before the first symbol. */
export const START_BYTES = IMPLIED_BYTES + 1;

/** Before each call the feed must hold what the call may take: two bytes a symbol, at most. */
export class RangeDecoder {
  /** The number coded, less the lower end of the interval. */
  private code = 0;
  private range = WINDOW;
  /** The byte of which the window holds all but the lowest bit. */
  private last = 0;

  /** Throws `WIRE_NOT_CANONICAL`. The feed must hold `START_BYTES`. */
  constructor(readonly feed: ByteFeed) {
    for (let i = 0; i < START_BYTES; i++) this.shift();
    if (this.code >= this.range) throw this.refusal();
  }

  uniform(count: number): number {
    const unit = (this.range / count) | 0;
    const symbol = (this.code / unit) | 0;
    if (symbol >= count) throw this.refusal();
    this.narrow(Math.imul(symbol, unit), unit);
    return symbol;
  }

  bit(contexts: Uint16Array, context: number): 0 | 1 {
    const chance = contexts[context]!;
    const bound = Math.imul(this.range >> CHANCE_BITS, chance);
    const bit = this.code < bound ? 0 : 1;
    contexts[context] = learned(chance, bit);
    if (bit === 0) this.narrow(0, bound);
    else this.narrow(bound, this.range - bound);
    return bit;
  }

  /** Throws `WIRE_TRAILING_BYTES`, `WIRE_NOT_CANONICAL` unless the stream ends here, written in the one way allowed. */
  finish(): void {
    noMoreThan(this.feed.position - IMPLIED_BYTES, this.feed.arrived);
    if (this.code >= BOTTOM) throw this.refusal();
  }

  refusal(): Error {
    return notCanonical(Math.min(this.feed.position, this.feed.arrived));
  }

  /** What stands at `at`, the end of the feed or past it. Throws `WIRE_TRUNCATED`. */
  private beyond(at: number): 0 {
    const { feed } = this;
    if (!feed.isComplete) throw new Error('the caller makes sure that the feed holds what one call takes');
    const past = at - feed.bytes.length;
    needBytes(feed.arrived + past + 1 - IMPLIED_BYTES, feed.arrived);
    return 0;
  }

  private narrow(from: number, size: number): void {
    this.code -= from;
    this.range = size;
    while (this.range < BOTTOM) {
      this.shift();
      this.range <<= 8;
    }
  }

  private shift(): void {
    const { feed } = this;
    const at = feed.at++;
    const next = at < feed.bytes.length ? feed.bytes[at]! : this.beyond(at);
    this.code = ((this.code << 8) & WINDOW) | ((this.last & 1) << 7) | (next >>> 1);
    this.last = next;
  }
}
