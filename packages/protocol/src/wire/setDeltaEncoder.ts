/**
 * @file Makes a set-delta from two versions that come part by part, so that neither is ever whole in memory; what changed is
 * put aside until all of it is known. However the versions are cut, the bytes are the same. Byte table: docs/spec/wire.md.
 */
import { utf8 } from '../bytes.js';
import type { HashHex } from '../hash.js';
import { memoryScratch, type Scratch, scratchPieces } from '../scratch.js';
import type { TensorLayout } from '../tensorLayout.js';
import { ByteWriter, fieldError } from './ByteWriter.js';
import { notFinite } from './bodyErrors.js';
import { deflateBody } from './deflateBody.js';
import { WireError } from './errors.js';
import { isFiniteHalf } from './float16.js';
import { littleEndianBytes } from './halfBytes.js';
import { CHUNK_ELEMENTS, chunkCount } from './sparseBody.js';

export const SET_DELTA_HEADER_BYTES = 96;
export const SET_DELTA_MAGIC = 'ALSD';
export const SET_DELTA_FORMAT_VERSION = 1;
export const DTYPE_FLOAT16 = 2;
const MOST_BYTES = 0xffff_ffff;
/** Entries gathered before they are put aside. */
const GATHERED = 2 ** 18;

export interface SetDeltaHeader {
  readonly fromVersion: number;
  readonly toVersion: number;
  readonly fromRoot: HashHex;
  readonly toRoot: HashHex;
}

export interface SetDeltaBytes {
  readonly sizeBytes: number;
  /** All of them, in order; each piece is good until the next is asked for. */
  pieces(): Iterable<Uint8Array>;
}

export interface SetDeltaEncoderOptions {
  /** Where what changed is put aside; in memory when left out. */
  readonly newScratch?: () => Scratch;
  /** Bodies up to this size are deflated as a whole. */
  readonly wholeBytes?: number;
}

interface ChangedTensor {
  readonly tensor: number;
  readonly firstEntry: number;
  readonly entries: number;
  /** Entries of each of its chunks. */
  readonly countsAt: number;
}

export class SetDeltaEncoder {
  readonly #layout: TensorLayout;
  readonly #options: SetDeltaEncoderOptions;
  readonly #newScratch: () => Scratch;
  readonly #positions: Scratch;
  readonly #values: Scratch;
  readonly #counts: Scratch;
  readonly #changed: ChangedTensor[] = [];
  readonly #gatheredPositions = new Uint16Array(GATHERED);
  readonly #gatheredValues = new Uint16Array(GATHERED);
  #gathered = 0;
  #entries = 0;
  /** The tensor that is being filled, and where in the flat vector the next element stands. */
  #tensor = 0;
  #at = 0;
  #firstEntry = 0;
  #tensorCounts: Uint16Array;

  constructor(layout: TensorLayout, options: SetDeltaEncoderOptions = {}) {
    this.#layout = layout;
    this.#options = options;
    this.#newScratch = options.newScratch ?? memoryScratch;
    this.#positions = this.#newScratch();
    this.#values = this.#newScratch();
    this.#counts = this.#newScratch();
    this.#tensorCounts = this.#countsOf(0);
  }

  /**
   * The next elements of both versions, in layout order.
   * Throws `WIRE_SIZE` (more than the layout has), `WIRE_NOT_FINITE` (a changed element became ±Inf or NaN).
   */
  add(from: Uint16Array, to: Uint16Array): void {
    checkSize(from.length, to.length);
    if (this.#at + to.length > this.#layout.size) throw wrongSize(this.#layout.size, this.#at + to.length);
    for (let at = 0; at < to.length; ) {
      const { offset, size } = this.#layout.tensors[this.#tensor]!;
      const end = Math.min(to.length, at + offset + size - this.#at);
      this.#addWithin(from, to, { at, end, index: this.#at - offset });
      this.#at += end - at;
      at = end;
      this.#closeTensors();
    }
  }

  /**
   * The bytes, once all elements have come; undefined when the format's 32-bit sizes cannot hold them.
   * Throws `WIRE_SIZE`, `WIRE_FIELD`.
   */
  finish(header: SetDeltaHeader): SetDeltaBytes | undefined {
    if (this.#at !== this.#layout.size) throw wrongSize(this.#layout.size, this.#at);
    this.#closeTensors();
    this.#putAside();
    const changed = this.#changed;
    const inflatedBytes = this.#counts.sizeBytes + 2 * changed.length + 4 * this.#entries;
    if (inflatedBytes > MOST_BYTES) return undefined;
    const deflated = this.#newScratch();
    deflateBody(this.#body(), inflatedBytes, { out: deflated, ...this.#options });
    const deflatedBytes = deflated.sizeBytes;
    if (deflatedBytes > MOST_BYTES) return undefined;
    const head = new ByteWriter(SET_DELTA_HEADER_BYTES)
      .raw(utf8.encode(SET_DELTA_MAGIC))
      .u8('version', SET_DELTA_FORMAT_VERSION)
      .u8('dtype', DTYPE_FLOAT16)
      .u16('tensorCount', changed.length)
      .u32('fromVersion', header.fromVersion)
      .u32('toVersion', laterThan(header.fromVersion, header.toVersion))
      .hex('fromRoot', header.fromRoot, 32)
      .hex('toRoot', header.toRoot, 32)
      .u32('reserved', 0)
      .u32('entryCount', this.#entries)
      .u32('inflatedBytes', inflatedBytes)
      .u32('deflatedBytes', deflatedBytes).bytes;
    return {
      sizeBytes: head.length + deflatedBytes,
      *pieces() {
        yield head;
        yield* scratchPieces(deflated, { from: 0, to: deflatedBytes });
      },
    };
  }

  #addWithin(
    from: Uint16Array,
    to: Uint16Array,
    { at, end, index }: { at: number; end: number; index: number },
  ): void {
    const positions = this.#gatheredPositions;
    const values = this.#gatheredValues;
    const counts = this.#tensorCounts;
    let gathered = this.#gathered;
    const shift = index - at;
    for (let i = at; i < end; i++) {
      const half = to[i]!;
      if (from[i] === half) continue;
      if (!isFiniteHalf(half)) throw notFinite(this.#tensor, i + shift);
      const element = i + shift;
      counts[Math.floor(element / CHUNK_ELEMENTS)]!++;
      positions[gathered] = element % CHUNK_ELEMENTS;
      values[gathered++] = half;
      if (gathered < GATHERED) continue;
      this.#gathered = gathered;
      this.#putAside();
      gathered = 0;
    }
    this.#gathered = gathered;
  }

  #putAside(): void {
    const gathered = this.#gathered;
    this.#positions.append(littleEndianBytes(this.#gatheredPositions.subarray(0, gathered)));
    this.#values.append(littleEndianBytes(this.#gatheredValues.subarray(0, gathered)));
    this.#entries += gathered;
    this.#gathered = 0;
  }

  /** Ends the tensor whose last element has come, and those after it that have none. */
  #closeTensors(): void {
    const { tensors } = this.#layout;
    while (this.#tensor < tensors.length) {
      const { offset, size } = tensors[this.#tensor]!;
      if (this.#at < offset + size) return;
      const firstEntry = this.#firstEntry;
      const entries = this.#entries + this.#gathered - firstEntry;
      if (entries > 0) {
        this.#changed.push({ tensor: this.#tensor, firstEntry, entries, countsAt: this.#counts.sizeBytes });
        this.#counts.append(littleEndianBytes(this.#tensorCounts));
      }
      this.#firstEntry += entries;
      this.#tensorCounts = this.#countsOf(++this.#tensor);
    }
  }

  #countsOf(tensor: number): Uint16Array {
    const spec = this.#layout.tensors[tensor];
    return new Uint16Array(spec ? chunkCount(spec) : 0);
  }

  *#body(): Generator<Uint8Array> {
    for (const { tensor, firstEntry, entries, countsAt } of this.#changed) {
      const countsEnd = countsAt + 2 * chunkCount(this.#layout.tensors[tensor]!);
      const range = { from: 2 * firstEntry, to: 2 * (firstEntry + entries) };
      yield littleEndianBytes(Uint16Array.of(tensor));
      yield* scratchPieces(this.#counts, { from: countsAt, to: countsEnd });
      yield* scratchPieces(this.#positions, range);
      yield* scratchPieces(this.#values, range);
    }
  }
}

export function laterThan(fromVersion: number, toVersion: number): number {
  if (toVersion <= fromVersion) throw fieldError('toVersion', toVersion);
  return toVersion;
}

export function checkSize(expected: number, got: number): void {
  if (expected !== got) throw wrongSize(expected, got);
}

function wrongSize(expected: number, got: number): WireError {
  return new WireError(
    { code: 'WIRE_SIZE', expected, got },
    `a vector of ${got} halves where the layout has ${expected}`,
  );
}
