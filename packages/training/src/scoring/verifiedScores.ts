/**
 * @file What each submission of a round is paid for (SPEC SCORE-7): the one function from gate, work tests and
 * verified tokens to the integers that epochs add up. The raw gain alone is a poor wage: equal honest work scored
 * 0.002 to 0.026 nats in one round. So half of the wage is equal, the other half follows the capped gain, both in
 * proportion to capped verified tokens, smoothed over a miner's rounds. `whitepaper` pays max(0, before − after).
 * Invariants (tested): a failed gate or work test pays zero; more gain or more tokens never pays less; caps hold.
 */
import { toNanoNats } from '@alice/protocol';
import { lowerMedian } from '../median.js';

export interface GatedSubmission {
  /** The sequential paired test's verdict. */
  readonly gate: 'accept' | 'refuse';
  /** Overlap, assigned gap and coverage together. */
  readonly workTests: 'passed' | 'failed';
  /** Mean paired gain at the round's step fraction, as folded (`foldedGains`). */
  readonly gainNats: number;
  /** Label tokens the work tests vouch for; never what the miner claims. */
  readonly verifiedTokens: number;
  /** `smoothedRate` of this miner's last paid round; left out for a newcomer. */
  readonly previousRate?: number;
}

export interface VerifiedScoreSettings {
  readonly rule: 'verified' | 'whitepaper';
  /** Share of the wage that does not depend on the gain, in [0, 1]. */
  readonly equalShare: number;
  /** A gain counts up to this many times the round's median gain, ≥ 1. */
  readonly gainCap: number;
  /** Tokens count up to this many times the round's median tokens, ≥ 1. */
  readonly tokenCap: number;
  /** Weight of the miner's earlier rounds, in [0, 1). */
  readonly smoothing: number;
}

export const defaultVerifiedScoreSettings: VerifiedScoreSettings = {
  rule: 'verified',
  equalShare: 0.5,
  gainCap: 3,
  tokenCap: 4,
  smoothing: 0.5,
};

export interface VerifiedScore {
  /** What the epoch adds up; 0 for refused work. */
  readonly nanoNats: bigint;
  /**
   * Rate for a task of median tokens, in units of the round's median gain, to be handed back as `previousRate`. In units
   * of the round, because gains shrink as the model learns: who comes back would be paid by the gains of old.
   * Refused work leaves it where it was.
   */
  readonly smoothedRate: number | undefined;
}

/**
 * One score per submission, in the order given; the order changes nothing else.
 * Formula, for accepted i, with g̃ and t̃ the lower medians of accepted gains and tokens:
 * rateᵢ = equalShare + (1 − equalShare) · min(gᵢ / g̃, gainCap),
 * smoothedᵢ = (1 − smoothing) · rateᵢ + smoothing · previousᵢ, paidᵢ = min(tᵢ/t̃, tokenCap) · smoothedᵢ · g̃.
 * The rate is smoothed and not the pay, so that who stops working lives on its earlier work for no round.
 */
export function verifiedScores(
  submissions: readonly GatedSubmission[],
  settings: VerifiedScoreSettings = defaultVerifiedScoreSettings,
): VerifiedScore[] {
  if (settings.rule === 'whitepaper') return submissions.map(rawScore);
  const accepted = submissions.filter(isVerified);
  const medianGainNats = lowerMedian(accepted.map((s) => s.gainNats));
  const medianTokens = lowerMedian(accepted.map((s) => s.verifiedTokens));
  return submissions.map((submission) => {
    const { gainNats, verifiedTokens, previousRate } = submission;
    if (!isVerified(submission)) return { nanoNats: 0n, smoothedRate: previousRate };
    const tokenFactor = Math.min(verifiedTokens / medianTokens, settings.tokenCap);
    const cappedGain = Math.min(gainNats / medianGainNats, settings.gainCap);
    const rate = settings.equalShare + (1 - settings.equalShare) * cappedGain;
    const smoothedRate = (1 - settings.smoothing) * rate + settings.smoothing * (previousRate ?? rate);
    return { nanoNats: toNanoNats(tokenFactor * smoothedRate * medianGainNats), smoothedRate };
  });
}

/** SPEC SCORE-1, WP 2.4: no gate but the sign, no work test. */
function rawScore({ gainNats, previousRate }: GatedSubmission): VerifiedScore {
  return { nanoNats: toNanoNats(gainNats), smoothedRate: previousRate };
}

function isVerified({ gate, workTests, gainNats, verifiedTokens }: GatedSubmission): boolean {
  return gate === 'accept' && workTests === 'passed' && gainNats > 0 && verifiedTokens > 0;
}
