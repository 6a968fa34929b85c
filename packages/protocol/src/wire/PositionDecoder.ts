/**
 * @file The inverse of `PositionEncoder`, a chunk at a time, from bytes nobody vouches for. Any bits give strictly ascending
 * positions, exactly as many as asked for, or lead out of the chunk and are refused; each set of positions has one code. Most
 * of the time of a decoder is spent here, so 32 bits are looked at together and the choice between the two lengths of
 * a remainder is arithmetic: its outcome cannot be predicted, and a wrong guess costs a processor more than the rest.
 */
import type { ByteFeed } from './ByteFeed.js';
import { needBytes, noMoreThan } from './ByteReader.js';
import { notCanonical } from './bodyErrors.js';
import { gapDivisor, isMostlyFull, MOST_CHUNK_BYTES, remainderBits } from './gapCode.js';
import { CHUNK_ELEMENTS } from './sparseBody.js';

/** What is looked at together ends so much behind the last bit in use. */
const LOOKAHEAD_BYTES = 4;
/** What a chunk may look at. */
export const CHUNK_REACH_BYTES = MOST_CHUNK_BYTES + LOOKAHEAD_BYTES;
/** Bits of the 32 that are there wherever in a byte they begin. */
const SURE_BITS = 25;

export class PositionDecoder {
  /** Bits read of the byte at the feed's `at`. */
  #used = 0;
  readonly #positions = new Uint16Array(CHUNK_ELEMENTS / 2);
  #view: DataView = new DataView(new ArrayBuffer(0));
  #viewOf: Uint8Array | undefined;

  /** Before each chunk the feed must hold `CHUNK_REACH_BYTES`, or all that will ever come. */
  constructor(private readonly feed: ByteFeed) {}

  /**
   * Decodes `entries` positions among the `size` ≤ 4,096 from `base` on, into `indices` from `to` on if there are any.
   * Throws `WIRE_NOT_CANONICAL`, `WIRE_TRUNCATED`.
   */
  chunk(
    entries: number,
    { base, size }: { base: number; size: number },
    indices?: Uint32Array,
    to = 0,
  ): void {
    const isFull = isMostlyFull(entries, size);
    const coded = isFull ? size - entries : entries;
    if (coded > 0) this.#gaps(coded, size);
    if (indices === undefined) return;
    if (isFull) fillBetween(this.#positions.subarray(0, coded), { base, size, indices, to });
    else for (let i = 0; i < coded; i++) indices[to + i] = base + this.#positions[i]!;
  }

  /** Throws `WIRE_TRAILING_BYTES`, `WIRE_NOT_CANONICAL` unless the stream ends here, filled up with zeros. */
  finish(): void {
    const { feed } = this;
    const isInside = this.#used > 0;
    noMoreThan(feed.position + (isInside ? 1 : 0), feed.arrived);
    if (isInside && ((feed.bytes[feed.at]! << this.#used) & 0xff) !== 0) throw notCanonical(feed.position);
  }

  #gaps(count: number, size: number): void {
    const { feed } = this;
    const { view, at } = this.#lookAhead();
    const positions = this.#positions;
    const divisor = gapDivisor(count, size);
    const bits = remainderBits(divisor);
    const shorter = (1 << bits) - divisor;
    const most = SURE_BITS - 1 - bits;
    let bit = this.#used;
    let next = 0;
    for (let i = 0; i < count - 1; i++) {
      let ahead = view.getUint32(at + (bit >> 3)) << (bit & 7);
      let skipped = Math.clz32(ahead);
      if (skipped > most) {
        skipped = zerosFrom(view, 8 * at + bit, Math.floor((size - next) / divisor));
        const behind = bit + skipped;
        ahead = view.getUint32(at + (behind >> 3)) << (behind & 7);
        bit = behind + 1;
      } else {
        ahead <<= skipped;
        bit += skipped + 1;
      }
      const longer = (ahead << 1) >>> (32 - bits);
      const rest = longer >>> 1;
      const isLonger = (shorter - 1 - rest) >>> 31; // 1 where rest ≥ shorter
      bit += bits - 1 + isLonger;
      const position = next + Math.imul(skipped, divisor) + rest + isLonger * (longer - rest - shorter);
      if (position >= size) this.#refuse(bit);
      positions[i] = position;
      next = position + 1;
    }
    if (next === size) this.#refuse(bit);
    // The last lies anywhere in what is left.
    const left = size - next;
    const lastBits = remainderBits(left);
    const shorterLast = (1 << lastBits) - left;
    const longer = (view.getUint32(at + (bit >> 3)) << (bit & 7)) >>> (32 - lastBits);
    const isShorter = longer >>> 1 < shorterLast;
    positions[count - 1] = next + (isShorter ? longer >>> 1 : longer - shorterLast);
    bit += isShorter ? lastBits - 1 : lastBits;
    feed.at += bit >> 3;
    this.#used = bit & 7;
    needBytes(this.#end(), feed.arrived);
  }

  /** Bytes read so far, the last perhaps in part. */
  #end(): number {
    return this.feed.position + (this.#used > 0 ? 1 : 0);
  }

  #refuse(bit: number): never {
    const { feed } = this;
    needBytes(feed.position + ((bit + 7) >> 3), feed.arrived); // what lies behind the end is no reason
    throw notCanonical(feed.position);
  }

  /** Where to look: in the feed, or near its end in a copy with zeros behind it. */
  #lookAhead(): { view: DataView; at: number } {
    const { bytes, at, isComplete } = this.feed;
    if (bytes.length - at >= CHUNK_REACH_BYTES) {
      if (this.#viewOf !== bytes) this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      this.#viewOf = bytes;
      return { view: this.#view, at };
    }
    if (!isComplete) throw new Error('the caller makes sure that the feed holds what one call takes');
    const copy = new Uint8Array(bytes.length - at + CHUNK_REACH_BYTES);
    copy.set(bytes.subarray(at));
    return { view: new DataView(copy.buffer), at: 0 };
  }
}

/** Zeros from a bit on; `most` + 1 stands for any more. */
function zerosFrom(view: DataView, bit: number, most: number): number {
  let zeros = 0;
  while (zeros <= most && (view.getUint8((bit + zeros) >> 3) & (128 >> ((bit + zeros) & 7))) === 0) zeros++;
  return zeros;
}

/** All positions but the free ones. */
function fillBetween(
  free: Uint16Array,
  { base, size, indices, to }: { base: number; size: number; indices: Uint32Array; to: number },
): void {
  let at = to;
  let next = 0;
  for (const position of free) {
    for (; next < position; next++) indices[at++] = base + next;
    next = position + 1;
  }
  for (; next < size; next++) indices[at++] = base + next;
}
