/**
 * @file From FP32 master weights to what is published: FP16, rounded to nearest, never infinite. The master keeps
 * what is below an FP16 ulp, so small updates add up instead of vanishing (SPEC TRAIN-4).
 */
import { toHalves } from '@alice/protocol';

/** The halves of a model version; values beyond FP16 are clamped to the largest finite half. */
export function publishHalves(master: Float32Array): Uint16Array {
  return toHalves(master, { saturate: true });
}

/** Share of elements whose published bits differ: the alarm for updates that vanish below one ulp. */
export function changedShare(before: Uint16Array, after: Uint16Array): number {
  let changed = 0;
  for (let i = 0; i < after.length; i++) if (before[i] !== after[i]) changed++;
  return after.length === 0 ? 0 : changed / after.length;
}
