/**
 * @file Where the weights of a streamed model lie: memory, or a file of the flat vector in layout order. A source gives
 * one range at a time and may bring the next one meanwhile, so a model larger than memory can be read layer by layer.
 */
import { ModelError } from '../errors.js';

/** A run of the flat vector. */
export interface WeightRange {
  readonly offset: number;
  readonly size: number;
}

/** FP32 numbers, or the bits of FP16 numbers. */
export type StoredWeights = Float32Array | Uint16Array;

export interface WeightSource {
  readonly dtype: 'float32' | 'float16';
  /** Elements in all. */
  readonly size: number;
  /** Begins to bring a range, so that the next `read` of it finds it there. */
  prefetch(range: WeightRange): void;
  /** The elements of a range: read only, and only until the next `read`. Throws `WEIGHTS_UNREADABLE`. */
  read(range: WeightRange): Promise<StoredWeights>;
  /** Ends the source; reads after it are refused. */
  close(): Promise<void>;
}

/** Weights in memory, as they are: nothing is copied. */
export function memoryWeights(weights: StoredWeights): WeightSource {
  return {
    dtype: weights instanceof Float32Array ? 'float32' : 'float16',
    size: weights.length,
    prefetch: () => {},
    async read(range) {
      checkRange(range, weights.length);
      return weights.subarray(range.offset, range.offset + range.size);
    },
    close: async () => {},
  };
}

/** Throws `WEIGHTS_UNREADABLE` for a range the weights do not have. */
export function checkRange({ offset, size }: WeightRange, available: number): void {
  if (offset >= 0 && size > 0 && offset + size <= available) return;
  throw new ModelError(
    { code: 'WEIGHTS_UNREADABLE', offset, size, available },
    `elements ${offset} to ${offset + size} were asked of weights that have ${available}: they are another model's`,
  );
}
