/**
 * @file Whether an aggregate becomes the next model version (SPEC AGG-3). A pure decision on paired held-out losses of
 * base and candidate: whoever sums with the wrong sign, or is poisoned past the clip, is stopped here and told why.
 */
import { pairedStatistics } from './scoring/pairedStatistics.js';

export interface MergeGateSettings {
  /** A mean rise of this many standard errors is a rise. */
  readonly z: number;
  /** A mean rise above this is refused even when the rows are too few to be sure, nats. */
  readonly maxRiseNats: number;
  /** Fewer rows than this decide nothing and roll back. */
  readonly minRows: number;
}

export const defaultMergeGateSettings: MergeGateSettings = { z: 2, maxRiseNats: 0.05, minRows: 16 };

export type MergeDecision = {
  readonly meanGainNats: number;
  /** 95% of the gain. */
  readonly intervalNats: readonly [low: number, high: number];
} & (
  | { readonly verdict: 'apply' }
  | { readonly verdict: 'roll-back'; readonly reason: 'loss-rose' | 'not-finite' | 'too-few-rows' }
);

/** Decides from the losses of the same held-out rows at the base and at the candidate weights. */
export function decideMerge(
  before: Float64Array,
  after: Float64Array,
  settings: MergeGateSettings = defaultMergeGateSettings,
): MergeDecision {
  const { rows, meanGainNats, z, interval95Nats: intervalNats } = pairedStatistics(before, after);
  const measured = { meanGainNats, intervalNats };
  const rollBack = (reason: 'loss-rose' | 'not-finite' | 'too-few-rows'): MergeDecision => ({
    ...measured,
    verdict: 'roll-back',
    reason,
  });
  if (rows < settings.minRows) return rollBack('too-few-rows');
  if (!Number.isFinite(meanGainNats)) return rollBack('not-finite');
  if (z <= -settings.z || -meanGainNats > settings.maxRiseNats) return rollBack('loss-rose');
  return { ...measured, verdict: 'apply' };
}
