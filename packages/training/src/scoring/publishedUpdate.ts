/**
 * @file What a published version changed, held so that a submission is compared with it by its own entries alone: an update
 * of many miners covers most of the model, and a merge pass over both would be a pass over all parameters.
 */
import type { FlatDelta } from '../flatDelta.js';
import { mixBits } from './indexSketch.js';
import type { Overlap } from './overlap.js';

export interface PublishedUpdate {
  /** to − from, for every parameter. */
  readonly difference: Float32Array;
  /** Elements that are not zero. */
  readonly changed: number;
}

export function publishedUpdate(from: Float32Array, to: Float32Array): PublishedUpdate {
  const difference = new Float32Array(to.length);
  let changed = 0;
  for (let i = 0; i < to.length; i++) {
    const step = to[i]! - from[i]!;
    difference[i] = step;
    if (step !== 0) changed++;
  }
  return { difference, changed };
}

/** Entries that are looked at: shares are found to a thousandth, as closely as anything that is decided by them. */
const MOST_SAMPLES = 2 ** 18;

/**
 * The same as `overlapOf` the update's non-zero elements; of a delta with more entries than are looked at, one out of each
 * run of equally many. Which one, follows from `key`: who knew it could change just those. Cost: entries looked at, not the model's.
 */
export function overlapWithUpdate(
  { indices, values }: FlatDelta,
  { difference, changed }: PublishedUpdate,
  key = 0,
): Overlap {
  const run = Math.ceil(values.length / MOST_SAMPLES);
  const looked = run === 0 ? 0 : Math.floor(values.length / run);
  let shared = 0;
  let product = 0;
  let squaresOwn = 0;
  let squaresUpdate = 0;
  for (let at = 0; at < looked; at++) {
    const i = run === 1 ? at : at * run + (mixBits(at ^ key) % run);
    const y = difference[indices ? indices[i]! : i]!;
    if (y === 0) continue;
    const x = values[i]!;
    shared++;
    product += x * y;
    squaresOwn += x * x;
    squaresUpdate += y * y;
  }
  const smaller = Math.min(values.length, changed);
  const norms = Math.sqrt(squaresOwn) * Math.sqrt(squaresUpdate);
  const indexFraction = smaller === 0 ? 0 : Math.min(1, (shared * values.length) / looked / smaller);
  return { indexFraction, cosine: norms === 0 ? 0 : product / norms };
}
