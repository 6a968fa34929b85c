/**
 * @file Top-k selection by magnitude: which elements of a dense vector are sent (SPEC WIRE-1). Chunked is the
 * default: every chunk of every tensor gets the same share, so that a loud tensor cannot silence the others and an
 * index fits 12 bits. `global` is the whitepaper's rule (WP 2.4.4). Deterministic: of equal magnitudes the lowest
 * index is taken. Zeros are never sent.
 */
import { CHUNK_ELEMENTS, type SparseDelta, type SparseTensor, type TensorLayout } from '@alice/protocol';
import { requireLength, requireSetting } from '../errors.js';
import { type MagnitudeThreshold, magnitudesOf, thresholdOf } from './magnitudeThreshold.js';

export type Selection = 'chunked' | 'global';

export interface TopKOptions {
  readonly layout: TensorLayout;
  /** Share of elements sent, in (0, 1]. A chunk of n elements sends ceil(density · n). */
  readonly density: number;
  readonly selection?: Selection;
}

/**
 * The largest elements of `values`, as they are (no rounding).
 * Cost: linear; about three passes over the vector.
 */
export function selectTopK(values: Float32Array, { layout, density, selection }: TopKOptions): SparseDelta {
  requireLength('the vector to compress', values.length, layout.size);
  requireSetting(density > 0 && density <= 1, 'density', density, 'in (0, 1]');
  const thresholds = selection === 'global' ? globalThreshold(values, density) : chunkThresholds(density);
  const tensors: SparseTensor[] = [];
  layout.tensors.forEach(({ offset, size }, tensor) => {
    const picked = new Picker(Math.ceil(size * density) + Math.ceil(size / CHUNK_ELEMENTS));
    const own = values.subarray(offset, offset + size);
    for (let from = 0; from < size; from += CHUNK_ELEMENTS)
      picked.pickChunk(own.subarray(from, Math.min(from + CHUNK_ELEMENTS, size)), from, thresholds);
    if (picked.count > 0) tensors.push({ tensor, ...picked.take() });
  });
  return { tensors };
}

/** Asked for each chunk in order; `consumed` says how many equal to the threshold were taken of it. */
interface Thresholds {
  of(signedBits: Int32Array): MagnitudeThreshold;
  consumed(ties: number): void;
}

function chunkThresholds(density: number): Thresholds {
  const scratch = new Int32Array(CHUNK_ELEMENTS);
  return {
    of: (signedBits) => {
      const magnitudes = scratch.subarray(0, signedBits.length);
      magnitudesOf(signedBits, magnitudes);
      return thresholdOf(magnitudes, Math.ceil(density * signedBits.length));
    },
    consumed: () => {},
  };
}

function globalThreshold(values: Float32Array, density: number): Thresholds {
  const magnitudes = new Int32Array(values.length);
  magnitudesOf(bitsOf(values), magnitudes);
  let { bits, ties } = thresholdOf(magnitudes, Math.ceil(density * values.length));
  return {
    of: () => ({ bits, ties }),
    consumed: (taken) => {
      ties -= taken;
    },
  };
}

/** Collects the taken elements of one tensor, ascending. */
class Picker {
  count = 0;
  #indices: Uint32Array;
  #values: Float32Array;

  constructor(capacity: number) {
    this.#indices = new Uint32Array(capacity);
    this.#values = new Float32Array(capacity);
  }

  pickChunk(chunk: Float32Array, from: number, thresholds: Thresholds): void {
    const signedBits = bitsOf(chunk);
    const { bits, ties } = thresholds.of(signedBits);
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
    thresholds.consumed(ties - Math.max(0, tiesLeft));
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

function bitsOf(values: Float32Array): Int32Array {
  return new Int32Array(values.buffer, values.byteOffset, values.length);
}
