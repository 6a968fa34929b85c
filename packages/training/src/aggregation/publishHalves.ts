/**
 * @file From FP32 master weights to what is published: FP16, rounded to nearest, never infinite. The master keeps
 * what is below an FP16 ulp, so small updates add up instead of vanishing (SPEC TRAIN-4).
 */
import { toHalf, toHalves } from '@alice/protocol';

const SATURATED = { saturate: true };

/** The halves of a model version; values beyond FP16 are clamped to the largest finite half. */
export function publishHalves(master: Float32Array): Uint16Array {
  return toHalves(master, SATURATED);
}

/**
 * `publishHalves(weights)` for weights that are the same as `other.weights` bit for bit nearly everywhere, as before and after
 * a sparse update: only where they are not, a half is made.
 */
export function publishHalvesLike(
  weights: Float32Array,
  other: { readonly weights: Float32Array; readonly halves: Uint16Array },
): Uint16Array {
  const halves = other.halves.slice();
  const bits = new Uint32Array(weights.buffer, weights.byteOffset, weights.length);
  const otherBits = new Uint32Array(other.weights.buffer, other.weights.byteOffset, weights.length);
  for (let i = 0; i < bits.length; i++)
    if (bits[i] !== otherBits[i]) halves[i] = toHalf(weights[i]!, SATURATED);
  return halves;
}

/** Share of elements whose published bits differ: the alarm for updates that vanish below one ulp. */
export function changedShare(before: Uint16Array, after: Uint16Array): number {
  let changed = 0;
  for (let i = 0; i < after.length; i++) if (before[i] !== after[i]) changed++;
  return after.length === 0 ? 0 : changed / after.length;
}
