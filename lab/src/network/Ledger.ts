/**
 * @file What simulated miners have earned, by the pay function of the network: scores are fixed when work is merged,
 * against the medians of its round, and smoothed over a miner's rounds.
 */
import { type TrainingSettings, verifiedScores, vouchedTokens } from '@alice/training';
import type { LabSubmission } from './records.js';

export class Ledger {
  readonly #smoothedNats = new Map<string, number>();

  /** Pays the accepted submissions of an applied round, in place. */
  pay(submissions: readonly LabSubmission[], training: TrainingSettings): void {
    const paid = submissions.filter(({ code }) => code === null);
    const scores = verifiedScores(
      paid.map(({ participant, gainNats, contribution, covered }) => {
        const previousNats = this.#smoothedNats.get(participant.id);
        const claimed = contribution.claimedSteps * training.rowsPerStep * training.sequenceLength;
        return {
          gate: 'accept',
          workTests: 'passed',
          gainNats,
          verifiedTokens: vouchedTokens(claimed, covered),
          ...(previousNats === undefined ? {} : { previousNats }),
        };
      }),
      training.pay,
    );
    paid.forEach((submission, i) => {
      const { nanoNats, smoothedNats } = scores[i]!;
      submission.paidNats = Number(nanoNats) / 1e9;
      if (smoothedNats !== undefined) this.#smoothedNats.set(submission.participant.id, smoothedNats);
    });
  }

  copy(): Ledger {
    const copy = new Ledger();
    for (const [id, nats] of this.#smoothedNats) copy.#smoothedNats.set(id, nats);
    return copy;
  }
}
