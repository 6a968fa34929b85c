/**
 * @file The body of `binary_v3` → sparse entries, from bytes nobody vouches for: whole, or checked as it arrives. Memory
 * is taken for counts that the bytes have already paid for: every entry has at least two bits of value code, so 12 bytes
 * of memory an entry are at most 48 times what arrived, besides 2 bytes a chunk of the largest tensor. A check alone
 * keeps 6 bytes a block and no entry. Only the encoder's own bytes are accepted.
 */
import type { SparseDelta } from '../sparseDelta.js';
import type { TensorLayout } from '../tensorLayout.js';
import { ByteFeed } from './ByteFeed.js';
import { needBytes, noMoreThan } from './ByteReader.js';
import type { ValueBits } from './quantize.js';
import { BLOCK_SCALE_BYTES, codeBytes } from './quantizedBody.js';
import { readIndices, type TensorEntries } from './readIndices.js';
import { readValues } from './readValues.js';
import type { BodyShape } from './sparseBody.js';

export interface QuantizedShape extends Pick<BodyShape, 'tensorCount' | 'entryCount'> {
  readonly valueBits: ValueBits;
  readonly indexBytes: number;
}

/**
 * Body → delta, checked in full; the counts of `shape` must have been checked against layout and limits.
 * Throws `WIRE_TRUNCATED`, `WIRE_TRAILING_BYTES`, `WIRE_NOT_CANONICAL`, `WIRE_COUNT`, `WIRE_EMPTY`, `WIRE_NOT_FINITE`.
 * Cost: O(body + entries + chunks of the tensors in it).
 */
export function decodeQuantizedBody(
  body: Uint8Array,
  shape: QuantizedShape,
  layout: TensorLayout,
): SparseDelta {
  checkSections(body.length, shape);
  const index = ByteFeed.of(body.subarray(0, shape.indexBytes));
  const tensors = atOnce(readIndices(index, { ...shape, layout, keepsEntries: true }));
  checkValueBytes(body.length, shape, tensors);
  atOnce(readValues(ByteFeed.of(body.subarray(shape.indexBytes)), tensors, shape));
  return {
    tensors: tensors.map(({ tensor, indices, values }) => ({ tensor, indices: indices!, values: values! })),
  };
}

/** The same checks on a body that arrives in parts, each looked at and let go; nothing is decoded to keep. */
export class QuantizedBodyCheck {
  readonly #sections: { readonly shape: QuantizedShape; readonly bodyBytes: number };
  readonly #indexFeed = new ByteFeed();
  readonly #valueFeed = new ByteFeed();
  readonly #indices: Generator<void, TensorEntries[]>;
  #values: Generator<void, number> | undefined;
  #squares: number | undefined;
  #arrived = 0;

  /** `bodyBytes`: as announced. Throws `WIRE_TRUNCATED` where that cannot be enough. */
  constructor(shape: QuantizedShape, { layout, bodyBytes }: { layout: TensorLayout; bodyBytes: number }) {
    checkSections(bodyBytes, shape);
    this.#sections = { shape, bodyBytes };
    this.#indices = readIndices(this.#indexFeed, { ...shape, layout, keepsEntries: false });
  }

  /** Throws what `decodeQuantizedBody` would, as soon as it shows. Keeps nothing of the part but what it could not read yet. */
  add(part: Uint8Array): void {
    const { shape, bodyBytes } = this.#sections;
    noMoreThan(bodyBytes, this.#arrived + part.length);
    const ofIndex = Math.min(part.length, Math.max(0, shape.indexBytes - this.#arrived));
    this.#arrived += part.length;
    if (!this.#values) {
      this.#indexFeed.add(part.subarray(0, ofIndex));
      this.#indexFeed.isComplete = this.#arrived >= shape.indexBytes;
      this.#readIndices();
    }
    this.#valueFeed.add(part.subarray(ofIndex));
    this.#valueFeed.isComplete = this.#arrived === bodyBytes;
    this.#readValues();
    this.#indexFeed.release();
    this.#valueFeed.release();
  }

  /** L2 norm of all values. Throws `WIRE_TRUNCATED` when the body has not arrived in full. */
  end(): number {
    needBytes(this.#sections.bodyBytes, this.#arrived);
    if (this.#squares === undefined) throw new Error('a feed that is complete is read to its end');
    return Math.sqrt(this.#squares);
  }

  #readIndices(): void {
    const { shape, bodyBytes } = this.#sections;
    const { done, value: tensors } = this.#indices.next();
    if (!done) return;
    checkValueBytes(bodyBytes, shape, tensors);
    this.#values = readValues(this.#valueFeed, tensors, shape);
  }

  #readValues(): void {
    const read = this.#values?.next();
    if (read?.done) this.#squares ??= read.value;
  }
}

/** Runs a reader whose feed is complete. */
function atOnce<T>(reader: Generator<void, T>): T {
  const { done, value } = reader.next();
  if (!done) throw new Error('a reader of a complete feed never waits');
  return value;
}

function checkSections(
  bodyBytes: number,
  { tensorCount, entryCount, indexBytes, valueBits }: QuantizedShape,
): void {
  needBytes(indexBytes + BLOCK_SCALE_BYTES * tensorCount + codeBytes(entryCount, valueBits), bodyBytes);
}

function checkValueBytes(
  bodyBytes: number,
  { indexBytes, entryCount, valueBits }: QuantizedShape,
  tensors: readonly TensorEntries[],
): void {
  const blocks = tensors.reduce((sum, { blocks }) => sum + blocks.length, 0);
  const allBytes = indexBytes + BLOCK_SCALE_BYTES * blocks + codeBytes(entryCount, valueBits);
  needBytes(allBytes, bodyBytes);
  noMoreThan(allBytes, bodyBytes);
}
