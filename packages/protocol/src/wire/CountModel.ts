/**
 * @file How many entries each chunk has, and which tensors have any: adaptive bits that learn within one message. A
 * count is "as before", or the length of its binary form and then its digits, of which the first three after the
 * leading one are learnt. Constant counts (top-k per chunk) cost next to nothing, others close to their entropy.
 */
import type { RangeDecoder } from './RangeDecoder.js';
import type { RangeEncoder } from './RangeEncoder.js';
import { bitContexts } from './rangeCoding.js';
import { CHUNK_ELEMENTS } from './sparseBody.js';

/** A count of 4,096 has 13 binary digits; 0 has none. Lengths are coded in 4 bits. */
const LENGTH_BITS = 4;
const LEARNT_DIGITS = 3;
/** A learnt bit costs 6.1 bits at most, and there are eight in a count, with 10 bits of what is not learnt. */
export const MOST_COUNT_BYTES = 8;

export class CountModel {
  private readonly present = bitContexts(2);
  private readonly same = bitContexts(2);
  private readonly length = bitContexts(1 << LENGTH_BITS);
  private readonly digits = bitContexts(1 << (LENGTH_BITS + LEARNT_DIGITS));
  private wasPresent = 0;
  private wasSame = 0;
  private previous = 0;

  encodePresence(coder: RangeEncoder, isPresent: 0 | 1): void {
    coder.bit(this.present, this.wasPresent, isPresent);
    this.wasPresent = isPresent;
  }

  decodePresence(coder: RangeDecoder): 0 | 1 {
    const isPresent = coder.bit(this.present, this.wasPresent);
    this.wasPresent = isPresent;
    return isPresent;
  }

  encode(coder: RangeEncoder, count: number): void {
    const isSame = count === this.previous ? 1 : 0;
    coder.bit(this.same, this.wasSame, isSame);
    this.wasSame = isSame;
    if (isSame === 1) return;
    const length = 32 - Math.clz32(count);
    let node = 1;
    for (let bit = LENGTH_BITS - 1; bit >= 0; bit--) {
      const side = (length >> bit) & 1;
      coder.bit(this.length, node, side);
      node = 2 * node + side;
    }
    this.encodeDigits(coder, count, length);
    this.previous = count;
  }

  /** May be more than a chunk has room for: the caller knows its size. Throws `WIRE_NOT_CANONICAL`. */
  decode(coder: RangeDecoder): number {
    this.wasSame = coder.bit(this.same, this.wasSame);
    if (this.wasSame === 1) return this.previous;
    let node = 1;
    for (let bit = 0; bit < LENGTH_BITS; bit++) node = 2 * node + coder.bit(this.length, node);
    const length = node - (1 << LENGTH_BITS);
    const count = length < 2 ? length : this.decodeDigits(coder, length);
    if (count === this.previous || count > CHUNK_ELEMENTS) throw coder.refusal();
    this.previous = count;
    return count;
  }

  private encodeDigits(coder: RangeEncoder, count: number, length: number): void {
    let digit = length - 2;
    let node = 1;
    for (; digit >= 0 && digit > length - 2 - LEARNT_DIGITS; digit--) {
      const side = (count >> digit) & 1;
      coder.bit(this.digits, (length << LEARNT_DIGITS) + node, side);
      node = 2 * node + side;
    }
    if (digit >= 0) coder.uniform(count & ((2 << digit) - 1), 2 << digit);
  }

  private decodeDigits(coder: RangeDecoder, length: number): number {
    let digit = length - 2;
    let node = 1;
    for (; digit >= 0 && digit > length - 2 - LEARNT_DIGITS; digit--)
      node = 2 * node + coder.bit(this.digits, (length << LEARNT_DIGITS) + node);
    return digit >= 0 ? node * (2 << digit) + coder.uniform(2 << digit) : node;
  }
}
