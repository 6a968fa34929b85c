/**
 * @file What follows the positions of `binary_v3`, read as far as it has arrived: two scales a block, then the packed
 * codes. Formula: docs/spec/wire.md. It keeps the scales, and the values only where there is room for them.
 */

import type { ByteFeed } from './ByteFeed.js';
import { needBytes } from './ByteReader.js';
import { notCanonical, notFinite } from './bodyErrors.js';
import type { ValueBits } from './quantize.js';
import { floatOfScale, isFiniteScale } from './scale16.js';

/** What is known of a tensor's entries before their values. */
export interface TensorEntries {
  readonly tensor: number;
  /** Entries of each block. */
  readonly blocks: Uint16Array;
  /** Where they are, and room for their values, if they are kept. */
  readonly indices?: Uint32Array;
  readonly values?: Float32Array;
}

/** The block that is being read; its codes may arrive in several parts. */
interface Block {
  readonly low: number;
  readonly high: number;
  readonly base: number;
  readonly step: number;
  least: number;
  most: number;
}

/**
 * Returns the sum of all squares. Yields where it must wait for more; the feed must end with the last code.
 * Throws `WIRE_NOT_FINITE`, `WIRE_NOT_CANONICAL`: scales or levels that the encoder would have chosen otherwise.
 */
export function* readValues(
  feed: ByteFeed,
  tensors: readonly TensorEntries[],
  { valueBits: bits }: { readonly valueBits: ValueBits },
): Generator<void, number> {
  const scales = yield* readScales(feed, tensors);
  const codes = new CodeReader(feed, bits);
  let scaleAt = 0;
  for (const { tensor, blocks, values, indices } of tensors) {
    let first = 0;
    for (let number = 0; number < blocks.length; number++, scaleAt += 2) {
      const [low, high] = [scales[scaleAt]!, scales[scaleAt + 1]!];
      if (!isFiniteScale(low) || !isFiniteScale(high)) throw notFinite(tensor, indices?.[first] ?? first);
      const block = codes.open(low, high);
      const end = first + blocks[number]!;
      while (first < end) {
        while (codes.available === 0) yield;
        first += codes.read(block, Math.min(end - first, codes.available), values?.subarray(first, end));
      }
      if (!codes.isCanonical(block)) throw notCanonical(4 * number);
    }
  }
  if (codes.spareBits() !== 0) throw notCanonical(feed.position - 1);
  return codes.squares;
}

function* readScales(feed: ByteFeed, tensors: readonly TensorEntries[]): Generator<void, Uint16Array> {
  const scales = new Uint16Array(2 * tensors.reduce((sum, { blocks }) => sum + blocks.length, 0));
  for (let done = 0; done < scales.length; ) {
    while (!feed.holds(2)) yield;
    const { bytes, at } = feed;
    needBytes(at + 2, bytes.length);
    const end = Math.min(scales.length, done + ((bytes.length - at) >>> 1));
    for (; done < end; done++, feed.at += 2) scales[done] = bytes[feed.at]! | (bytes[feed.at + 1]! << 8);
  }
  return scales;
}

/** Takes packed codes, lowest bits of a byte first. */
class CodeReader {
  squares = 0;
  readonly #feed: ByteFeed;
  readonly #bits: ValueBits;
  /** Codes a byte holds are 2 to this power. */
  readonly #shift: number;
  /** Codes of the byte at the feed's `at` that have been read. */
  #used = 0;

  constructor(feed: ByteFeed, bits: ValueBits) {
    this.#feed = feed;
    this.#bits = bits;
    this.#shift = 3 - Math.log2(bits);
  }

  get available(): number {
    const { bytes, at, isComplete } = this.#feed;
    if (isComplete) needBytes(at + 1, bytes.length);
    return ((bytes.length - at) << this.#shift) - this.#used;
  }

  open(low: number, high: number): Block {
    const top = (1 << (this.#bits - 1)) - 1;
    const base = floatOfScale(low);
    return { low, high, base, step: (floatOfScale(high) - base) / top, least: top, most: 0 };
  }

  /** Reads so many codes, which must be available; into `values` if there are any. Returns how many. */
  read(block: Block, count: number, values: Float32Array | undefined): number {
    const { bytes, at } = this.#feed;
    const [bits, shift, used] = [this.#bits, this.#shift, this.#used];
    const rest = (1 << shift) - 1;
    const mask = (1 << bits) - 1;
    const top = mask >>> 1;
    const { base, step } = block;
    let { least, most } = block;
    let { squares } = this;
    for (let i = 0; i < count; i++) {
      const place = used + i;
      const code = (bytes[at + (place >>> shift)]! >> ((place & rest) * bits)) & mask;
      const level = code & top;
      if (level < least) least = level;
      if (level > most) most = level;
      const magnitude = Math.fround(base + level * step);
      squares += magnitude * magnitude;
      if (values !== undefined) values[i] = code > top ? -magnitude : magnitude;
    }
    block.least = least;
    block.most = most;
    this.squares = squares;
    this.#feed.at = at + ((used + count) >>> shift);
    this.#used = (used + count) & rest;
    return count;
  }

  /** Whether the encoder would have chosen these scales: in order, and both in use where they differ. */
  isCanonical({ low, high, least, most }: Block): boolean {
    const top = (1 << (this.#bits - 1)) - 1;
    return low <= high && least === 0 && most === (low < high ? top : 0);
  }

  /** What is set in the last byte behind the last code. */
  spareBits(): number {
    const { bytes, at } = this.#feed;
    return this.#used === 0 ? 0 : bytes[at]! >>> (this.#used * this.#bits);
  }
}
