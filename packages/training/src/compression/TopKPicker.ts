/**
 * @file Takes the largest elements out of a vector that comes a part at a time, in layout order, chunk by chunk of each tensor.
 * Parts may end anywhere: a chunk that is cut is put together first. Which elements are the largest, thresholds say.
 */
import { CHUNK_ELEMENTS, type SparseDelta, type SparseTensor, type TensorLayout } from '@alice/protocol';
import type { MagnitudeThreshold } from './magnitudeThreshold.js';

/** Asked for each chunk in order; `consumed` says how many equal to the threshold were taken of it. */
export interface Thresholds {
  of(signedBits: Int32Array): MagnitudeThreshold;
  consumed(ties: number): void;
}

export class TopKPicker {
  readonly #layout: TensorLayout;
  readonly #density: number;
  readonly #thresholds: Thresholds;
  readonly #tensors: SparseTensor[] = [];
  /** The tensor whose chunks come now, what was taken of it, and where its next chunk starts. */
  #tensor = -1;
  #entries = new EntryList(0);
  #size = 0;
  #from = 0;
  /** The beginning of a chunk whose rest comes with the next part. */
  readonly #begun = new Float32Array(CHUNK_ELEMENTS);
  #begunElements = 0;

  constructor(layout: TensorLayout, density: number, thresholds: Thresholds) {
    this.#layout = layout;
    this.#density = density;
    this.#thresholds = thresholds;
  }

  /** The next elements; no more than the layout has. */
  add(values: Float32Array): void {
    for (let at = 0; at < values.length; ) at += this.#takeFrom(values, at);
  }

  /** Once all elements have come. */
  finish(): SparseDelta {
    this.#closeTensor();
    return { tensors: this.#tensors };
  }

  /** Elements from `at` on up to the end of their chunk, or of the part; returns how many. */
  #takeFrom(values: Float32Array, at: number): number {
    while (this.#from === this.#size) this.#openTensor();
    const length = Math.min(CHUNK_ELEMENTS, this.#size - this.#from);
    if (this.#begunElements === 0 && at + length <= values.length) {
      this.#pick(values.subarray(at, at + length));
      return length;
    }
    const more = values.subarray(at, at + length - this.#begunElements);
    this.#begun.set(more, this.#begunElements);
    this.#begunElements += more.length;
    if (this.#begunElements === length) {
      this.#begunElements = 0;
      this.#pick(this.#begun.subarray(0, length));
    }
    return more.length;
  }

  #openTensor(): void {
    this.#closeTensor();
    this.#size = this.#layout.tensors[++this.#tensor]!.size;
    this.#from = 0;
    this.#entries = new EntryList(
      Math.ceil(this.#size * this.#density) + Math.ceil(this.#size / CHUNK_ELEMENTS),
    );
  }

  #closeTensor(): void {
    if (this.#entries.count > 0) this.#tensors.push({ tensor: this.#tensor, ...this.#entries.take() });
  }

  #pick(chunk: Float32Array): void {
    const signedBits = bitsOf(chunk);
    const threshold = this.#thresholds.of(signedBits);
    this.#thresholds.consumed(this.#entries.pick(chunk, { signedBits, threshold, from: this.#from }));
    this.#from += chunk.length;
  }
}

/** The bits of floats, in place. */
export function bitsOf(values: Float32Array): Int32Array {
  return new Int32Array(values.buffer, values.byteOffset, values.length);
}

/** The taken elements of one tensor, ascending. */
class EntryList {
  count = 0;
  #indices: Uint32Array;
  #values: Float32Array;

  constructor(capacity: number) {
    this.#indices = new Uint32Array(capacity);
    this.#values = new Float32Array(capacity);
  }

  /** Returns how many equal to the threshold were taken. */
  pick(
    chunk: Float32Array,
    {
      signedBits,
      threshold: { bits, ties },
      from,
    }: { signedBits: Int32Array; threshold: MagnitudeThreshold; from: number },
  ): number {
    let tiesLeft = ties;
    let count = this.count;
    for (let i = 0; i < chunk.length; i++) {
      const magnitude = signedBits[i]! & 0x7fff_ffff;
      if (magnitude < bits || magnitude === 0) continue;
      if (magnitude === bits && tiesLeft-- <= 0) continue;
      if (count === this.#indices.length) this.#grow(); // global selection may take more of one tensor
      this.#indices[count] = from + i;
      this.#values[count++] = chunk[i]!;
    }
    this.count = count;
    return ties - Math.max(0, tiesLeft);
  }

  take(): { indices: Uint32Array; values: Float32Array } {
    return { indices: this.#indices.slice(0, this.count), values: this.#values.slice(0, this.count) };
  }

  #grow(): void {
    const size = 2 * this.#indices.length;
    const indices = new Uint32Array(size);
    indices.set(this.#indices);
    const values = new Float32Array(size);
    values.set(this.#values);
    this.#indices = indices;
    this.#values = values;
  }
}
