/**
 * @file Does a delta start from where it says? Work is alike the updates published just before its base, and less so the
 * older they are; work from older weights leans on older updates. Pure arithmetic on index overlaps (`overlapOf`).
 * Measured with ten miners over three seeds (63 honest and 27 stale submissions), stale by three versions: honest 0.93 to
 * 1.03 of the round's median lean, stale 1.07 to 1.21 (lab/LOG.md); the bound was set on these. Says nothing about small rounds, and nothing about work that is one version late.
 */
import { lowerMedian } from '../median.js';

export interface FreshnessSettings {
  /** A lean above this many times the round's median counts as stale. */
  readonly maxLean: number;
  /** What stale work is still paid of its tokens, in [0, 1]: the measure is sure of crowds, not of one. */
  readonly stalePay: number;
  /** Submissions a round needs before its median says anything. */
  readonly minSubmissions: number;
}

export const defaultFreshnessSettings: FreshnessSettings = {
  maxLean: 1.05,
  stalePay: 0.5,
  minSubmissions: 6,
};

/** Updates that the lean compares: two newer, two older. */
const COMPARED = 4;

/**
 * Overlap with the two older of the last four published updates over that with the two newer.
 * `overlaps`: index fractions, newest first, of the updates that led to the claimed base; `undefined` with fewer than four.
 */
export function leanOnOlder(overlaps: readonly number[]): number | undefined {
  const [a, b, c, d] = overlaps.slice(0, COMPARED);
  if (a === undefined || b === undefined || c === undefined || d === undefined || a + b <= 0)
    return undefined;
  return (c + d) / (a + b);
}

/** The share of its tokens that each submission of a round is paid for: 1, or `stalePay` for what leans on older updates. */
export function freshShares(
  leans: readonly (number | undefined)[],
  settings: FreshnessSettings = defaultFreshnessSettings,
): number[] {
  const known = leans.filter((lean) => lean !== undefined);
  const bound = settings.maxLean * lowerMedian(known);
  if (known.length < settings.minSubmissions || bound <= 0) return leans.map(() => 1);
  return leans.map((lean) => (lean !== undefined && lean > bound ? settings.stalePay : 1));
}
