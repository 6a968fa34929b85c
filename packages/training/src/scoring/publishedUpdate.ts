/**
 * @file What a published version changed, held so that a submission is compared with it by its own entries alone: an update
 * of many miners covers most of the model, and a merge pass over both would be a pass over all parameters. Of a large
 * model only windows are held, spread over all of it; their places follow from a secret key, and both sides are counted
 * within them alone.
 */
import type { FlatDelta } from '../flatDelta.js';
import { lowerBound } from '../lowerBound.js';
import { mixBits } from './indexSketch.js';
import type { Overlap } from './overlap.js';

/** Elements `offset`…`offset + size` of the flat vector. */
export interface ElementRange {
  readonly offset: number;
  readonly size: number;
}

export interface UpdateWindow {
  readonly offset: number;
  /** to − from. */
  readonly difference: Float32Array;
}

export interface PublishedUpdate {
  /** Ascending, apart from each other. */
  readonly windows: readonly UpdateWindow[];
  /** Elements within them that are not zero. */
  readonly changed: number;
}

/** Elements held of an update: all of a smaller model. */
const HELD_ELEMENTS = 2 ** 24;
const WINDOWS = 256;

/** What is held of the updates of a model of that size: everything, or a window in each of equally long stretches. */
export function updateRanges(
  size: number,
  key: number,
  { held = HELD_ELEMENTS, windows = WINDOWS } = {},
): ElementRange[] {
  if (size <= held) return [{ offset: 0, size }];
  const length = Math.floor(held / windows);
  const stretch = Math.floor(size / windows);
  return Array.from({ length: windows }, (_, i) => ({
    offset: i * stretch + (mixBits(i ^ key) % (stretch - length + 1)),
    size: length,
  }));
}

/** Windows that a delta's own entries are in: what is looked at of one that has too few entries in the others. */
export function rangesAround(
  { indices, values }: FlatDelta,
  size: number,
  key: number,
  { most = 1_024, length = 1_024 } = {},
): ElementRange[] {
  const run = Math.max(1, Math.ceil(values.length / most));
  const places = new Set<number>();
  for (let at = 0; at + run <= values.length; at += run) {
    const entry = at + (mixBits(at ^ key) % run);
    places.add(Math.floor((indices ? indices[entry]! : entry) / length));
  }
  return [...places]
    .sort((a, b) => a - b)
    .map((place) => ({ offset: place * length, size: Math.min(length, size - place * length) }));
}

/** The update from weights before and after in each of `ranges`, which ascend. */
export function updateOf(
  parts: readonly { readonly offset: number; readonly from: Float32Array; readonly to: Float32Array }[],
): PublishedUpdate {
  let changed = 0;
  const windows = parts.map(({ offset, from, to }) => {
    const difference = new Float32Array(to.length);
    for (let i = 0; i < to.length; i++) {
      const step = to[i]! - from[i]!;
      difference[i] = step;
      if (step !== 0) changed++;
    }
    return { offset, difference };
  });
  return { windows, changed };
}

/** The update between two versions that are at hand. */
export function publishedUpdate(from: Float32Array, to: Float32Array): PublishedUpdate {
  return updateOf([{ offset: 0, from, to }]);
}

/** How many of a delta's entries lie in the windows of an update. */
export function entriesWithin(delta: FlatDelta, { windows }: PublishedUpdate): number {
  return windows.reduce((sum, window) => {
    const [start, end] = entriesIn(delta, window);
    return sum + end - start;
  }, 0);
}

/** Entries that are looked at: shares are found to a thousandth, as closely as anything that is decided by them. */
const MOST_SAMPLES = 2 ** 18;

/**
 * The same as `overlapOf` the update's non-zero elements, both within the update's windows; of a delta with more entries
 * there than are looked at, one out of each run of equally many. Which one, follows from `key`: who knew it could change just
 * those. Cost: entries looked at, not the model's.
 */
export function overlapWithUpdate(delta: FlatDelta, update: PublishedUpdate, key = 0): Overlap {
  const within = entriesWithin(delta, update);
  const run = Math.ceil(within / MOST_SAMPLES);
  const looked = run === 0 ? 0 : Math.floor(within / run);
  const sums = { shared: 0, product: 0, squaresOwn: 0, squaresUpdate: 0 };
  let passed = 0;
  let at = 0;
  for (const window of update.windows) {
    const [start, end] = entriesIn(delta, window);
    const last = passed + end - start;
    for (; at < looked; at++) {
      const entry = run === 1 ? at : at * run + (mixBits(at ^ key) % run);
      if (entry >= last) break;
      addEntry(sums, delta, window, start + entry - passed);
    }
    passed = last;
  }
  const smaller = Math.min(within, update.changed);
  const norms = Math.sqrt(sums.squaresOwn) * Math.sqrt(sums.squaresUpdate);
  const indexFraction = smaller === 0 ? 0 : Math.min(1, (sums.shared * within) / looked / smaller);
  return { indexFraction, cosine: norms === 0 ? 0 : sums.product / norms };
}

function addEntry(
  sums: { shared: number; product: number; squaresOwn: number; squaresUpdate: number },
  { indices, values }: FlatDelta,
  { offset, difference }: UpdateWindow,
  entry: number,
): void {
  const y = difference[(indices ? indices[entry]! : entry) - offset]!;
  if (y === 0) return;
  const x = values[entry]!;
  sums.shared++;
  sums.product += x * y;
  sums.squaresOwn += x * x;
  sums.squaresUpdate += y * y;
}

/** Which of a delta's entries lie in a window: from the first to before the second. */
function entriesIn({ indices, values }: FlatDelta, { offset, difference }: UpdateWindow): [number, number] {
  const place = (position: number): number =>
    indices ? lowerBound(indices, position) : Math.min(position, values.length);
  return [place(offset), place(offset + difference.length)];
}
