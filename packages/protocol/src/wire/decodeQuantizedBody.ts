/**
 * @file The body of `binary_v3` → sparse entries, from bytes nobody vouches for: whole, or checked as it arrives. Memory
 * is taken for counts that the bytes have already paid for: every entry has at least two bits of value code, so 12 bytes
 * of memory an entry are at most 48 times what arrived, besides a byte or two for each chunk of the tensors that have any. A
 * check alone keeps those, 6 bytes a block, and no entry. Only the encoder's own bytes are accepted.
 */
import type { SparseDelta } from '../sparseDelta.js';
import type { TensorLayout } from '../tensorLayout.js';
import { ByteFeed } from './ByteFeed.js';
import { needBytes, noMoreThan } from './ByteReader.js';
import type { ValueBits } from './quantize.js';
import { BLOCK_SCALE_BYTES, codeBytes } from './quantizedBody.js';
import { readCounts, type TensorCounts } from './readCounts.js';
import { readPositions } from './readPositions.js';
import { readValues } from './readValues.js';
import type { BodyShape } from './sparseBody.js';

export interface QuantizedShape extends Pick<BodyShape, 'tensorCount' | 'entryCount'> {
  readonly valueBits: ValueBits;
  readonly countBytes: number;
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
  checkRoom(body.length, shape);
  const { countBytes } = shape;
  const tensors = atOnce(readCounts(ByteFeed.of(body.subarray(0, countBytes)), { ...shape, layout }));
  const valuesAt = countBytes + positionBytes(body.length, shape, tensors);
  const positions = ByteFeed.of(body.subarray(countBytes, valuesAt));
  const indices = atOnce(readPositions(positions, tensors, { keepsEntries: true }));
  const entries = tensors.map((part, i) => ({
    ...part,
    indices: indices[i]!,
    values: new Float32Array(part.total),
  }));
  atOnce(readValues(ByteFeed.of(body.subarray(valuesAt)), entries, shape));
  return { tensors: entries.map(({ tensor, indices, values }) => ({ tensor, indices, values })) };
}

/** A part of the body with what reads it; `left` bytes are still to come. */
interface Section {
  readonly feed: ByteFeed;
  left: number;
  /** Goes on reading. Returns the section that follows once all of this has been read. */
  read(): Section | 'last' | undefined;
}

/** The same checks on a body that arrives in parts, each looked at and let go; nothing is decoded to keep. */
export class QuantizedBodyCheck {
  readonly #bodyBytes: number;
  #section: Section;
  #squares: number | undefined;
  #arrived = 0;

  /** `bodyBytes`: as announced. Throws `WIRE_TRUNCATED` where that cannot be enough. */
  constructor(shape: QuantizedShape, { layout, bodyBytes }: { layout: TensorLayout; bodyBytes: number }) {
    checkRoom(bodyBytes, shape);
    this.#bodyBytes = bodyBytes;
    this.#section = section(
      shape.countBytes,
      (feed) => readCounts(feed, { ...shape, layout }),
      (tensors) => this.#positions(shape, tensors),
    );
  }

  /** Throws what `decodeQuantizedBody` would, as soon as it shows. Keeps nothing of the part but what it could not read yet. */
  add(part: Uint8Array): void {
    noMoreThan(this.#bodyBytes, this.#arrived + part.length);
    this.#arrived += part.length;
    let rest = part;
    for (;;) {
      const { feed, left } = this.#section;
      const own = rest.subarray(0, left);
      rest = rest.subarray(own.length);
      feed.add(own);
      this.#section.left -= own.length;
      feed.isComplete = this.#section.left === 0;
      const next = this.#section.read();
      if (next === undefined || next === 'last') {
        feed.release();
        return;
      }
      this.#section = next;
    }
  }

  /** L2 norm of all values. Throws `WIRE_TRUNCATED` when the body has not arrived in full. */
  end(): number {
    needBytes(this.#bodyBytes, this.#arrived);
    if (this.#squares === undefined) throw new Error('a feed that is complete is read to its end');
    return Math.sqrt(this.#squares);
  }

  #positions(shape: QuantizedShape, tensors: readonly TensorCounts[]): Section {
    const bytes = positionBytes(this.#bodyBytes, shape, tensors);
    return section(
      bytes,
      (feed) => readPositions(feed, tensors, { keepsEntries: false }),
      () => this.#values(this.#bodyBytes - shape.countBytes - bytes, shape, tensors),
    );
  }

  #values(bytes: number, shape: QuantizedShape, tensors: readonly TensorCounts[]): Section {
    return section(
      bytes,
      (feed) => readValues(feed, tensors, shape),
      (squares) => {
        this.#squares = squares;
        return 'last';
      },
    );
  }
}

function section<T>(
  bytes: number,
  start: (feed: ByteFeed) => Generator<void, T>,
  then: (result: T) => Section | 'last',
): Section {
  const feed = new ByteFeed();
  const reader = start(feed);
  return {
    feed,
    left: bytes,
    read() {
      const read = reader.next();
      return read.done ? then(read.value) : undefined;
    },
  };
}

/** Runs a reader whose feed is complete. */
function atOnce<T>(reader: Generator<void, T>): T {
  const { done, value } = reader.next();
  if (!done) throw new Error('a reader of a complete feed never waits');
  return value;
}

function checkRoom(
  bodyBytes: number,
  { tensorCount, entryCount, countBytes, valueBits }: QuantizedShape,
): void {
  needBytes(countBytes + BLOCK_SCALE_BYTES * tensorCount + codeBytes(entryCount, valueBits), bodyBytes);
}

/** What the other sections leave; their lengths follow from the counts. Throws `WIRE_TRUNCATED` where they leave less than none. */
function positionBytes(
  bodyBytes: number,
  { countBytes, entryCount, valueBits }: QuantizedShape,
  tensors: readonly TensorCounts[],
): number {
  const blocks = tensors.reduce((sum, { blocks }) => sum + blocks.length, 0);
  const others = countBytes + BLOCK_SCALE_BYTES * blocks + codeBytes(entryCount, valueBits);
  needBytes(others, bodyBytes);
  return bodyBytes - others;
}
