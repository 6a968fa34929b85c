/**
 * @file What scored losses mean for a submission (SCORE-1, SCORE-2): accepted, refused with a code, or look again on
 * more rows. A pure decision on all looks so far. What held-out text leaves undecided is accepted for the work tests to
 * judge when the round closes, where there are any.
 */
import { pairedStatistics, sequentialDecision, type TrainingSettings } from '@alice/training';
import type { Verdict } from '../state/submissions.js';

export interface Look {
  readonly before: readonly number[];
  /** Null when a loss after applying the delta was not finite. */
  readonly after: readonly number[] | null;
}

export type SubmissionVerdict = { readonly next: 'look' } | ({ readonly next: 'decide' } & Verdict);

/** Neither gain nor harm was seen, and no work either. */
export const WITHIN_NOISE = {
  code: 'NOISE',
  reason: 'The gain on held-out text was within the noise of the measurement.',
} as const;

const REFUSALS = {
  worse: ['NOT_HELPFUL', 'Applying the delta raised the held-out loss.'],
  undecided: [WITHIN_NOISE.code, WITHIN_NOISE.reason],
  'not-finite': ['NOT_FINITE', 'Applying the delta gave a loss that is not a number.'],
  'too-few-rows': ['NOISE', 'Too few rows were scored to see a gain.'],
} as const;

export function submissionVerdict(
  looks: readonly Look[],
  { gate, work }: Pick<TrainingSettings, 'gate' | 'work'>,
): SubmissionVerdict {
  const before = looks.flatMap((look) => look.before);
  const after = looks.flatMap((look) => look.after ?? []);
  if (looks.some((look) => look.after === null)) return refused('not-finite', null);
  const statistics = pairedStatistics(Float64Array.from(before), Float64Array.from(after));
  const measured = { gainNats: statistics.meanGainNats, errorNats: statistics.standardErrorNats };
  const decision = sequentialDecision(statistics, gate);
  if (decision.verdict === 'continue') return { next: 'look' };
  if (decision.verdict === 'refuse') return refused(decision.reason, measured);
  const gain = `${measured.gainNats.toFixed(4)} ± ${measured.errorNats.toFixed(4)} nats`;
  const accepted = { next: 'decide', status: 'accepted', code: null, ...measured } as const;
  if (decision.verdict === 'accept')
    return { ...accepted, reason: `Lowered the held-out loss by ${gain} at the scored step.` };
  if (work.rows === 0) return refused('undecided', measured);
  return { ...accepted, reason: `Held-out gain of ${gain}, within noise; its work on its own rows decides.` };
}

function refused(
  why: keyof typeof REFUSALS,
  measured: { gainNats: number; errorNats: number } | null,
): SubmissionVerdict {
  const [code, reason] = REFUSALS[why];
  const isMeasured =
    measured !== null && Number.isFinite(measured.gainNats) && Number.isFinite(measured.errorNats);
  return { next: 'decide', status: 'refused', code, reason, ...(isMeasured ? measured : {}) };
}
