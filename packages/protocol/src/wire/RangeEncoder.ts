/**
 * @file Symbols → bytes at the cost of their entropy. Of the byte strings that would decode to the same symbols it
 * always writes the one that `RangeDecoder.finish` accepts: the last byte is the smallest that lies in the interval.
 */
import { BOTTOM, CHANCE_BITS, learned, WINDOW } from './rangeCoding.js';

const FIRST_BYTES = 1024;

/** Symbols in, in the order in which the decoder will ask for them; then `finish` once. */
export class RangeEncoder {
  private bytes = new Uint8Array(FIRST_BYTES);
  private at = 0;
  private low = 0;
  private range = WINDOW;

  /** One of `count` ≤ `MAX_UNIFORM` equally likely symbols. */
  uniform(symbol: number, count: number): void {
    const unit = (this.range / count) | 0;
    this.take(Math.imul(symbol, unit), unit);
  }

  /** A bit whose chances are learnt in `contexts[context]`. */
  bit(contexts: Uint16Array, context: number, bit: number): void {
    const chance = contexts[context]!;
    const bound = Math.imul(this.range >>> CHANCE_BITS, chance);
    contexts[context] = learned(chance, bit);
    if (bit === 0) this.take(0, bound);
    else this.take(bound, this.range - bound);
  }

  /** Ends the stream and hands the bytes over. */
  finish(): Uint8Array {
    this.take((BOTTOM - (this.low & (BOTTOM - 1))) & (BOTTOM - 1), BOTTOM); // low becomes a multiple of BOTTOM
    this.shift();
    return this.bytes.slice(0, this.at);
  }

  private take(from: number, size: number): void {
    this.low = (this.low + from) | 0;
    if (this.low < 0) this.carry();
    this.range = size;
    while (this.range < BOTTOM) {
      this.shift();
      this.range <<= 8;
    }
  }

  /** Moves the top byte of the window out. */
  private shift(): void {
    if (this.at === this.bytes.length) {
      const larger = new Uint8Array(2 * this.at);
      larger.set(this.bytes);
      this.bytes = larger;
    }
    this.bytes[this.at++] = this.low >>> 23;
    this.low = (this.low << 8) & WINDOW;
  }

  /** The sum left the window: one is added to the number that the bytes written so far form. */
  private carry(): void {
    this.low &= WINDOW;
    let at = this.at - 1;
    while (this.bytes[at] === 0xff) this.bytes[at--] = 0;
    this.bytes[at]!++;
  }
}
