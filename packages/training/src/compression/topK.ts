/**
 * @file Top-k selection by magnitude: which elements of a dense vector are sent (SPEC WIRE-1). Chunked is the
 * default: every chunk of every tensor gets the same share, so that a loud tensor cannot silence the others and an
 * index fits 12 bits. `global` is the whitepaper's rule (WP 2.4.4). Deterministic: of equal magnitudes the lowest
 * index is taken. Zeros are never sent. The vector may come a part at a time.
 */
import { CHUNK_ELEMENTS, type SparseDelta, type TensorLayout } from '@alice/protocol';
import { requireLength, requireSetting } from '../errors.js';
import { MagnitudeRank } from './MagnitudeRank.js';
import { type MagnitudeThreshold, magnitudesOf, thresholdOf } from './magnitudeThreshold.js';
import { bitsOf, type Thresholds, TopKPicker } from './TopKPicker.js';

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
export function selectTopK(values: Float32Array, options: TopKOptions): SparseDelta {
  requireLength('the vector to compress', values.length, options.layout.size);
  const topK = partwiseTopK(options);
  topK.add(values);
  return topK.select(() => [values]);
}

/** The same of a vector that comes a part at a time: parts may end anywhere, and none of them is kept. */
export interface PartwiseTopK {
  /** The next elements in layout order. */
  add(part: Float32Array): void;
  /** Once all have come; `again` gives the same elements from the first on, as often as it is asked. */
  select(again: () => Iterable<Float32Array>): SparseDelta;
}

/** Throws `SETTING_INVALID`. Memory: what is selected; `chunked` selects as parts come, `global` asks for them twice more. */
export function partwiseTopK({ layout, density, selection }: TopKOptions): PartwiseTopK {
  requireSetting(density > 0 && density <= 1, 'density', density, 'in (0, 1]');
  if (selection === 'global') return globalTopK(layout, density);
  const picker = new TopKPicker(layout, density, chunkThresholds(density));
  return { add: (part) => picker.add(part), select: () => picker.finish() };
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

function globalTopK(layout: TensorLayout, density: number): PartwiseTopK {
  const rank = new MagnitudeRank();
  return {
    add: (part) => rank.countHigh(bitsOf(part)),
    select: (again) => {
      const count = Math.ceil(density * layout.size);
      const high = rank.highOf(count);
      for (const part of again()) rank.countLow(bitsOf(part), high);
      const picker = new TopKPicker(layout, density, globalThresholds(rank.thresholdOf(count, high)));
      for (const part of again()) picker.add(part);
      return picker.finish();
    },
  };
}

/** One threshold for all chunks: those equal to it are taken from the first on, until there are enough. */
function globalThresholds({ bits, ties }: MagnitudeThreshold): Thresholds {
  let left = ties;
  return {
    of: () => ({ bits, ties: left }),
    consumed: (taken) => {
      left -= taken;
    },
  };
}
