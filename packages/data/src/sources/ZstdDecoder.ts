/**
 * @file Zstandard as a stream (RFC 8878). The frames and blocks are walked here, so that damage is reported with the byte
 * where it is, the end of the file inside a frame is noticed, and each frame's checksum is compared; the blocks
 * themselves are decoded by the `fzstd` package, which does none of the three, and which some damaged blocks keep in an
 * endless loop: it is stopped. Memory: one block and the window.
 */
import { Decompress } from 'fzstd';
import { DataError } from '../errors.js';
import { endsWithin } from './endsWithin.js';
import { Xxh64 } from './xxh64.js';

const FRAME_MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
const LARGEST_BLOCK_BYTES = 128 * 1024;
/** What the reference decoder accepts without being told otherwise: a hostile header may ask for gigabytes. */
const LARGEST_WINDOW_BYTES = 128 * 2 ** 20;
/** Of one block, which takes milliseconds: long enough for a machine that is busy or was asleep. */
const BLOCK_TIMEOUT_MS = 60_000;

type Expected = 'frame' | 'skip' | 'block' | 'checksum';

export class ZstdDecoder {
  readonly #path: string;
  readonly #blockTimeoutMs: number;
  #pending: Buffer = Buffer.alloc(0);
  /** Place in the file of the first pending byte. */
  #offset = 0;
  #expected: Expected = 'frame';
  #toSkip = 0;
  #hasChecksum = false;
  /** Bytes that the frame says it holds; −1 when it does not say. */
  #contentBytes = -1;
  #decodedBytes = 0;
  #hash = new Xxh64();
  #frame = new Decompress();
  #out: Buffer[] = [];

  /** `path` is named in errors. */
  constructor(path: string, { blockTimeoutMs = BLOCK_TIMEOUT_MS } = {}) {
    this.#path = path;
    this.#blockTimeoutMs = blockTimeoutMs;
  }

  /** What can be decoded now. Throws `SOURCE_BROKEN`. */
  push(chunk: Uint8Array): Buffer[] {
    this.#pending = this.#pending.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#pending, chunk]);
    this.#out = [];
    let used = 0;
    for (;;) {
      const length = this.#unitLength(used);
      if (length < 0 || used + length > this.#pending.length) break;
      this.#take(this.#pending.subarray(used, used + length));
      used += length;
      this.#offset += length;
    }
    this.#pending = this.#pending.subarray(used);
    return this.#out;
  }

  /** To be called after the last chunk. Throws `SOURCE_BROKEN` when it ended inside a frame. */
  finish(): void {
    if (this.#expected === 'frame' && this.#pending.length === 0) return;
    throw this.#broken('the file ends inside a zstd frame', this.#offset + this.#pending.length);
  }

  /** Bytes of the next frame header, block, checksum or part to skip; −1 when its length is not known yet. */
  #unitLength(at: number): number {
    const left = this.#pending.length - at;
    if (this.#expected === 'skip') return Math.min(this.#toSkip, left) || -1;
    if (this.#expected === 'checksum') return 4;
    if (this.#expected === 'block') {
      if (left < 3) return -1;
      const header = this.#pending.readUIntLE(at, 3);
      const size = header >>> 3;
      const type = (header >>> 1) & 3;
      if (type === 3 || (size > LARGEST_BLOCK_BYTES && type !== 1))
        throw this.#broken('an impossible zstd block');
      return 3 + (type === 1 ? 1 : size);
    }
    if (left < 8) return -1;
    const magic = this.#pending.readUInt32LE(at);
    if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC) return 8;
    if (magic !== FRAME_MAGIC) throw this.#broken('no zstd frame begins here');
    return frameHeaderLength(this.#pending[at + 4]!);
  }

  #take(unit: Buffer): void {
    if (this.#expected === 'frame') this.#begin(unit);
    else if (this.#expected === 'skip') {
      this.#toSkip -= unit.length;
      if (this.#toSkip === 0) this.#expected = 'frame';
    } else if (this.#expected === 'checksum') {
      if (unit.readUInt32LE() !== this.#hash.low32())
        throw this.#broken('the checksum of a zstd frame does not agree');
      this.#expected = 'frame';
    } else {
      this.#decode(unit);
      if ((unit[0]! & 1) === 1) this.#endBlocks();
    }
  }

  #begin(header: Buffer): void {
    if (header.readUInt32LE() !== FRAME_MAGIC) {
      this.#toSkip = header.readUInt32LE(4);
      this.#expected = this.#toSkip === 0 ? 'frame' : 'skip';
      return;
    }
    this.#hasChecksum = (header[4]! & 4) !== 0;
    this.#contentBytes = contentSize(header);
    const window = windowSize(header);
    if (window > LARGEST_WINDOW_BYTES) throw this.#broken(`a zstd frame wants a window of ${window} bytes`);
    this.#decodedBytes = 0;
    this.#hash = new Xxh64();
    this.#frame = new Decompress((data) => {
      // The decoder uses its memory again for the next block.
      const copy = Buffer.from(data);
      this.#decodedBytes += copy.length;
      if (this.#hasChecksum) this.#hash.update(copy);
      if (copy.length > 0) this.#out.push(copy);
    });
    this.#expected = 'block';
    this.#decode(header);
  }

  #endBlocks(): void {
    if (this.#contentBytes >= 0 && this.#contentBytes !== this.#decodedBytes)
      throw this.#broken(`a zstd frame of ${this.#contentBytes} bytes gives ${this.#decodedBytes}`);
    this.#expected = this.#hasChecksum ? 'checksum' : 'frame';
  }

  #decode(unit: Buffer): void {
    let hasEnded: boolean;
    try {
      hasEnded = endsWithin(this.#blockTimeoutMs, () => this.#frame.push(unit));
    } catch (cause) {
      throw this.#broken(`a zstd block cannot be decoded (${(cause as Error).message})`);
    }
    if (!hasEnded) throw this.#broken('a zstd block keeps the decoder in an endless loop');
  }

  #broken(reason: string, byteOffset = this.#offset): DataError {
    return broken(this.#path, byteOffset, reason);
  }
}

/** A damaged file, with the place of the damage in the file as it is stored. */
export function broken(path: string, byteOffset: number, reason: string, cause?: unknown): DataError {
  return new DataError(
    { code: 'SOURCE_BROKEN', path, byteOffset, reason },
    `${path} is damaged at byte ${byteOffset}: ${reason}. Fetch the file again, or use --skip-invalid (in code, onInvalid: 'skip') to use ` +
      'what comes before the damage',
    { cause },
  );
}

function frameHeaderLength(descriptor: number): number {
  return 5 + windowBytes(descriptor) + dictionaryBytes(descriptor) + sizeBytes(descriptor);
}

/** What a frame's header says it holds, or −1. */
function contentSize(header: Buffer): number {
  const descriptor = header[4]!;
  const length = sizeBytes(descriptor);
  const at = header.length - length;
  if (length === 0) return -1;
  if (length === 8) return Number(header.readBigUInt64LE(at));
  // Sizes of two bytes begin at 256.
  return header.readUIntLE(at, length) + (length === 2 ? 256 : 0);
}

/** Bytes that the decoder has to keep. */
function windowSize(header: Buffer): number {
  const descriptor = header[4]!;
  if (isSingleSegment(descriptor)) return contentSize(header);
  const base = 2 ** (10 + (header[5]! >>> 3));
  return base + (base / 8) * (header[5]! & 7);
}

function isSingleSegment(descriptor: number): boolean {
  return (descriptor & 32) !== 0;
}

function windowBytes(descriptor: number): number {
  return isSingleSegment(descriptor) ? 0 : 1;
}

function dictionaryBytes(descriptor: number): number {
  return [0, 1, 2, 4][descriptor & 3]!;
}

function sizeBytes(descriptor: number): number {
  return [isSingleSegment(descriptor) ? 1 : 0, 2, 4, 8][descriptor >>> 6]!;
}
