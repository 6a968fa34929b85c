/**
 * @file What simulated miners have earned, by the pay function of the network: scores are fixed when work is merged,
 * against the medians of its round, and smoothed over a miner's rounds.
 */
import {
  type FlatDelta,
  foldedGains,
  freshShares,
  type TrainingSettings,
  verifiedScores,
  vouchedTokens,
} from '@alice/training';
import type { LabSubmission } from './records.js';
import type { Policy } from './settings.js';

export class Ledger {
  readonly #smoothedRate = new Map<string, number>();

  /** Pays the accepted submissions of an applied round, in place. */
  pay(submissions: readonly LabSubmission[], training: TrainingSettings, policy: Policy): void {
    const paid = submissions.filter(({ code }) => code === null);
    const isTested = policy === 'work';
    const gains = foldedGains(
      paid.map(({ gainNats, flat }) => ({ gainNats, normL2: isTested ? normOf(flat) : 0 })),
    );
    const fresh = isTested ? freshShares(paid.map(({ lean }) => lean)) : paid.map(() => 1);
    const scores = verifiedScores(
      paid.map(({ participant, contribution, covered }, i) => {
        const previousRate = this.#smoothedRate.get(participant.id);
        const claimed = contribution.claimedSteps * training.rowsPerStep * training.sequenceLength;
        return {
          gate: 'accept',
          workTests: 'passed',
          gainNats: gains[i]!,
          verifiedTokens: fresh[i]! * vouchedTokens(claimed, covered),
          ...(previousRate === undefined ? {} : { previousRate }),
        };
      }),
      training.pay,
    );
    paid.forEach((submission, i) => {
      const { nanoNats, smoothedRate } = scores[i]!;
      submission.paidNats = Number(nanoNats) / 1e9;
      if (smoothedRate !== undefined) this.#smoothedRate.set(submission.participant.id, smoothedRate);
    });
  }

  copy(): Ledger {
    const copy = new Ledger();
    for (const [id, rate] of this.#smoothedRate) copy.#smoothedRate.set(id, rate);
    return copy;
  }
}

function normOf(flat: FlatDelta | undefined): number {
  return Math.sqrt(flat?.values.reduce((sum, x) => sum + x * x, 0) ?? 0);
}
