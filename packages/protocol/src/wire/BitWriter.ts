/** @file Bits → bytes, the first bit in the highest place of its byte; the last byte is filled up with zeros. */

const FIRST_BYTES = 1024;
/** Bits that one call may add. */
export const MOST_BITS = 24;

/** Bits in, in order; then `finish` once. */
export class BitWriter {
  #bytes = new Uint8Array(FIRST_BYTES);
  #at = 0;
  /** Bits not yet in a byte, fewer than eight between two calls, in the lowest places. */
  #held = 0;
  #count = 0;

  /** The lowest `count` ≤ 24 bits of `bits`, highest first; those above must be zero. */
  put(bits: number, count: number): void {
    this.#held = (this.#held << count) | bits;
    this.#count += count;
    if (this.#at + 4 > this.#bytes.length) this.#grow();
    while (this.#count >= 8) {
      this.#count -= 8;
      this.#bytes[this.#at++] = this.#held >>> this.#count;
    }
    this.#held &= (1 << this.#count) - 1;
  }

  zeros(count: number): void {
    for (let left = count; left > 0; left -= MOST_BITS) this.put(0, Math.min(left, MOST_BITS));
  }

  /** Ends the last byte and hands the bytes over. */
  finish(): Uint8Array {
    if (this.#count > 0) this.put(0, 8 - this.#count);
    return this.#bytes.slice(0, this.#at);
  }

  #grow(): void {
    const larger = new Uint8Array(2 * this.#bytes.length);
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}
