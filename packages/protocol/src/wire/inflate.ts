/**
 * @file Inflates a zlib stream (RFC 1950, 1951) of EXACTLY known size. Written out, because what browsers and fflate offer
 * either allocate ahead of a limit, keep working past it, skip the checksum, or cannot say where the stream ended. Node's
 * zlib takes what is long and in order. Invariant: one allocation of `sizeBytes`, never more output, work linear in
 * input + output.
 */
import { adler32 } from './adler32.js';
import { WireError } from './errors.js';
import { FAST_BITS, HuffmanCode } from './HuffmanCode.js';
import { platformInflate } from './platformInflate.js';

/** DEFLATE cannot expand more than this: 258 bytes for 2 bits. */
const MAX_RATIO = 1032;
const LENGTH_BASE = new Uint16Array([
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195,
  227, 258,
]);
const LENGTH_EXTRA = new Uint8Array([
  0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
]);
const DISTANCE_BASE = new Uint16Array([
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097,
  6145, 8193, 12289, 16385, 24577,
]);
const DISTANCE_EXTRA = new Uint8Array([
  0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
]);
/** The order in which a block lists the lengths of the code-length code. */
const CODE_LENGTH_ORDER = new Uint8Array([16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]);
const END_OF_BLOCK = 256;
/** Entries of a fast table from here on are no literals. */
const LITERALS_END = END_OF_BLOCK * 16;
const MAX_CODE_BITS = 15;
const MAX_LITERALS = 286;
const MAX_DISTANCES = 30;
/** zlib has to be set up first, which shorter streams are not worth. */
const PLATFORM_BYTES = 16_384;
/**
 * Encoders start a block every few kilobytes. More blocks than one in so many bytes are an attack on our time. zlib does not
 * count them; it makes the tables of one in two microseconds, which is less than any submission costs to score.
 */
const MIN_BLOCK_BYTES = 256;
const FREE_BLOCKS = 16;

/**
 * The `sizeBytes` bytes inside `stream`. The caller has bounded `sizeBytes`; a size the stream cannot possibly hold is
 * refused before allocating.
 * Throws `WIRE_INFLATE_LIMIT`, `WIRE_INFLATE_SHORT`, `WIRE_INFLATE_INVALID`, `WIRE_INFLATE_BLOCKS`, `WIRE_TRUNCATED`,
 * `WIRE_CHECKSUM`, `WIRE_TRAILING_BYTES`. Cost: O(stream.length + sizeBytes).
 */
export function inflate(stream: Uint8Array, sizeBytes: number): Uint8Array {
  if (sizeBytes > stream.length * MAX_RATIO) throw overLimit(sizeBytes, stream.length * MAX_RATIO);
  const inflated = stream.length < PLATFORM_BYTES ? undefined : platformInflate(stream, sizeBytes);
  return inflated ?? inflateWrittenOut(stream, sizeBytes);
}

/** Here and nowhere else: in browsers, of what is short, and of what zlib does not take, to say why. */
export function inflateWrittenOut(stream: Uint8Array, sizeBytes: number): Uint8Array {
  return new Inflater(stream, sizeBytes).run();
}

interface BlockCodes {
  readonly literals: HuffmanCode;
  readonly distances: HuffmanCode;
}

class Inflater {
  private at = 0;
  private bits = 0;
  private bitCount = 0;
  private readonly stream: Uint8Array;
  private readonly out: Uint8Array;
  private written = 0;
  /** Built anew, in the same memory, for each block that brings its own codes. */
  private readonly lengthCode = new HuffmanCode(CODE_LENGTH_ORDER.length);
  private readonly dynamic: BlockCodes = {
    literals: new HuffmanCode(MAX_LITERALS),
    distances: new HuffmanCode(MAX_DISTANCES),
  };
  private readonly lengths = new Uint8Array(MAX_LITERALS + MAX_DISTANCES);

  constructor(stream: Uint8Array, sizeBytes: number) {
    this.stream = stream;
    this.out = new Uint8Array(sizeBytes);
  }

  run(): Uint8Array {
    const method = this.take(8);
    const flags = this.take(8);
    // Deflate, window ≤ 32 KiB, header check, no preset dictionary.
    if ((method & 15) !== 8 || method >>> 4 > 7 || ((method << 8) | flags) % 31 !== 0 || (flags & 32) !== 0)
      throw this.invalid();
    const allowedBlocks = FREE_BLOCKS + Math.floor(this.stream.length / MIN_BLOCK_BYTES);
    for (let last = false, blocks = 1; !last; blocks++) {
      if (blocks > allowedBlocks) throw tooManyBlocks(allowedBlocks);
      last = this.take(1) === 1;
      this.block(this.take(2));
    }
    if (this.written !== this.out.length)
      throw new WireError(
        { code: 'WIRE_INFLATE_SHORT', expectedBytes: this.out.length, gotBytes: this.written },
        `the stream holds ${this.written} bytes where ${this.out.length} were announced`,
      );
    this.finish();
    return this.out;
  }

  private block(type: number): void {
    if (type === 3) throw this.invalid();
    if (type === 0) this.stored();
    else this.compressed(type === 1 ? fixedCodes() : this.dynamicCodes());
  }

  private stored(): void {
    this.dropPartialByte();
    const length = this.take(16);
    if ((this.take(16) ^ 0xffff) !== length) throw this.invalid();
    this.dropPartialByte(); // bytes read ahead belong to the data
    const from = this.at;
    if (from + length > this.stream.length) throw this.truncated(from + length);
    if (this.written + length > this.out.length) throw overLimit(this.written + length, this.out.length);
    this.out.set(this.stream.subarray(from, from + length), this.written);
    this.at += length;
    this.written += length;
  }

  private compressed({ literals, distances }: BlockCodes): void {
    for (;;) {
      this.runOfLiterals(literals.fast);
      const symbol = this.symbol(literals);
      if (symbol === END_OF_BLOCK) return;
      if (symbol > END_OF_BLOCK) this.copyMatch(symbol - END_OF_BLOCK - 1, distances);
      else {
        if (this.written === this.out.length) throw overLimit(this.written + 1, this.out.length);
        this.out[this.written++] = symbol;
      }
    }
  }

  /**
   * Literals with short codes, as long as they follow each other and two more bytes are there: nearly all of a submission,
   * whose values hardly deflate. State is in local variables, since most of the time of a decoder is spent here.
   */
  private runOfLiterals(fast: Uint16Array): void {
    const { stream, out } = this;
    const lastPair = stream.length - 2;
    const mask = (1 << FAST_BITS) - 1;
    let { at, bits, bitCount, written } = this;
    while (written < out.length) {
      if (bitCount < MAX_CODE_BITS) {
        if (at > lastPair) break;
        bits |= (stream[at]! | (stream[at + 1]! << 8)) << bitCount;
        at += 2;
        bitCount += 16;
      }
      const entry = fast[bits & mask]!;
      const length = entry & 15;
      if (length === 0 || entry >= LITERALS_END) break;
      bits >>>= length;
      bitCount -= length;
      out[written++] = entry >>> 4;
    }
    this.at = at;
    this.bits = bits;
    this.bitCount = bitCount;
    this.written = written;
  }

  private copyMatch(lengthSymbol: number, distances: HuffmanCode): void {
    if (lengthSymbol >= LENGTH_BASE.length) throw this.invalid();
    const length = LENGTH_BASE[lengthSymbol]! + this.take(LENGTH_EXTRA[lengthSymbol]!);
    const distanceSymbol = this.symbol(distances);
    if (distanceSymbol >= DISTANCE_BASE.length) throw this.invalid();
    const distance = DISTANCE_BASE[distanceSymbol]! + this.take(DISTANCE_EXTRA[distanceSymbol]!);
    if (distance > this.written) throw this.invalid();
    const end = this.written + length;
    if (end > this.out.length) throw overLimit(end, this.out.length);
    const { out } = this;
    // Byte by byte: source and target overlap when distance < length, and that is how runs are written.
    for (let at = this.written; at < end; at++) out[at] = out[at - distance]!;
    this.written = end;
  }

  private dynamicCodes(): BlockCodes {
    const literalCount = this.take(5) + 257;
    const distanceCount = this.take(5) + 1;
    const listed = this.take(4) + 4;
    if (literalCount > MAX_LITERALS || distanceCount > MAX_DISTANCES) throw this.invalid();
    const codeLengths = this.lengths.fill(0, 0, CODE_LENGTH_ORDER.length);
    for (let i = 0; i < listed; i++) codeLengths[CODE_LENGTH_ORDER[i]!] = this.take(3);
    if (!this.lengthCode.build(codeLengths.subarray(0, CODE_LENGTH_ORDER.length), false))
      throw this.invalid();

    const lengths = this.readLengths(literalCount + distanceCount);
    const isValid =
      lengths[END_OF_BLOCK] !== 0 &&
      this.dynamic.literals.build(lengths.subarray(0, literalCount), true) &&
      this.dynamic.distances.build(lengths.subarray(literalCount), true);
    if (!isValid) throw this.invalid();
    return this.dynamic;
  }

  private readLengths(count: number): Uint8Array {
    const lengths = this.lengths.subarray(0, count);
    for (let at = 0; at < count; ) {
      const symbol = this.symbol(this.lengthCode);
      if (symbol < 16) {
        lengths[at++] = symbol;
        continue;
      }
      if (symbol === 16 && at === 0) throw this.invalid();
      const value = symbol === 16 ? lengths[at - 1]! : 0;
      const repeat = symbol === 16 ? 3 + this.take(2) : symbol === 17 ? 3 + this.take(3) : 11 + this.take(7);
      if (at + repeat > count) throw this.invalid();
      lengths.fill(value, at, at + repeat);
      at += repeat;
    }
    return lengths;
  }

  private symbol(code: HuffmanCode): number {
    if (this.bitCount < 15) this.refill();
    const entry = code.fast[this.bits & ((1 << FAST_BITS) - 1)]!;
    const length = entry & 15;
    if (length === 0) return this.longSymbol(code);
    if (length > this.bitCount) throw this.truncated(this.stream.length + 1);
    this.bits >>>= length;
    this.bitCount -= length;
    return entry >>> 4;
  }

  /** Canonical decoding one bit at a time: `first` is the first code of the current length. */
  private longSymbol({ counts, symbols }: HuffmanCode): number {
    let code = 0;
    let first = 0;
    let index = 0;
    for (let length = 1; length < counts.length; length++) {
      code |= this.take(1);
      const count = counts[length]!;
      if (code - first < count) return symbols[index + code - first]!;
      index += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    throw this.invalid();
  }

  /** The next `count` ≤ 16 bits, lowest first. */
  private take(count: number): number {
    if (this.bitCount < count) {
      this.refill();
      if (this.bitCount < count) throw this.truncated(this.stream.length + 1);
    }
    const value = this.bits & ((1 << count) - 1);
    this.bits >>>= count;
    this.bitCount -= count;
    return value;
  }

  private refill(): void {
    while (this.bitCount <= 16 && this.at < this.stream.length) {
      this.bits |= this.stream[this.at++]! << this.bitCount;
      this.bitCount += 8;
    }
  }

  /** Moves to the next byte boundary and hands whole buffered bytes back to the stream. */
  private dropPartialByte(): void {
    this.at -= this.bitCount >>> 3;
    this.bits = 0;
    this.bitCount = 0;
  }

  private finish(): void {
    this.dropPartialByte();
    const end = this.at + 4;
    if (end > this.stream.length) throw this.truncated(end);
    const { buffer, byteOffset } = this.stream;
    if (new DataView(buffer, byteOffset + this.at, 4).getUint32(0) !== adler32(this.out))
      throw new WireError({ code: 'WIRE_CHECKSUM' }, 'the bytes were damaged on the way: send them again');
    if (end < this.stream.length)
      throw new WireError(
        { code: 'WIRE_TRAILING_BYTES', expectedBytes: end, gotBytes: this.stream.length },
        `${this.stream.length - end} byte(s) follow the end of the compressed stream`,
      );
  }

  private invalid(): WireError {
    return new WireError(
      { code: 'WIRE_INFLATE_INVALID', atByte: this.at },
      `not a zlib stream (near byte ${this.at})`,
    );
  }

  private truncated(needBytes: number): WireError {
    return new WireError(
      { code: 'WIRE_TRUNCATED', needBytes, gotBytes: this.stream.length },
      `the compressed stream ends after ${this.stream.length} bytes in the middle of a block`,
    );
  }
}

function overLimit(declaredBytes: number, allowedBytes: number): WireError {
  return new WireError(
    { code: 'WIRE_INFLATE_LIMIT', declaredBytes, allowedBytes },
    `the stream would inflate to ${declaredBytes} bytes or more, allowed are ${allowedBytes}`,
  );
}

function tooManyBlocks(allowedBlocks: number): WireError {
  return new WireError(
    { code: 'WIRE_INFLATE_BLOCKS', allowedBlocks },
    `the stream is cut into more than ${allowedBlocks} blocks: compress it again with an ordinary encoder`,
  );
}

let fixed: BlockCodes | undefined;

/** The codes of block type 1 (RFC 1951 §3.2.6), made on first use. */
function fixedCodes(): BlockCodes {
  if (fixed) return fixed;
  fixed = { literals: new HuffmanCode(288), distances: new HuffmanCode(32) };
  fixed.literals.build(new Uint8Array(288).fill(8).fill(9, 144, 256).fill(7, 256, 280), false);
  fixed.distances.build(new Uint8Array(32).fill(5), false);
  return fixed;
}
