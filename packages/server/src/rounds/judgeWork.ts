/**
 * @file The work tests' verdict (SCORE-4, SCORE-7) when a round closes: what all accepted submissions showed on rows of
 * their own tasks, measured against each other, gives each the tokens it is paid for; none means refused, before the
 * fold. A pure function of stored gaps, in the transaction that fixes the fold, so it is made exactly once.
 */
import {
  coveredShares,
  freshShares,
  isGainShown,
  type RowGaps,
  type TrainingSettings,
  vouchedTokens,
} from '@alice/training';
import type { ServerContext } from '../context.js';
import type { Queryable } from '../database/Database.js';
import { WITHIN_NOISE } from '../scoring/submissionVerdict.js';
import { mergedGaps, recordCoverage, type SubmissionRow } from '../state/submissions.js';
import { refuseFolded } from './rollBackRound.js';

/** How far back merged work is still like this round's: the size of a step changes slowly with the schedule. */
const REFERENCE_ROUNDS = 4;

/** Returns how many of the accepted submissions of the fold are left. */
export async function judgeWork(
  { options, log }: Pick<ServerContext, 'options' | 'log'>,
  tx: Queryable,
  { round, folded }: { round: number; folded: readonly SubmissionRow[] },
): Promise<number> {
  const plan = options.training.work;
  const accepted = folded.filter(({ status }) => status === 'accepted');
  const probed = accepted.filter(hasGaps); // with the work tests off, and of work from before them, there are none
  const missing = plan.minReference - probed.length;
  const reference = missing > 0 ? await mergedGaps(tx, round - REFERENCE_ROUNDS, missing) : [];
  const shares = coveredShares(
    probed.map(({ gaps }) => gaps),
    plan,
    reference,
  );
  const fresh = freshShares(probed.map(({ lean }) => lean ?? undefined));
  const shown = new Map(
    probed.map((row, i) => [row.submission_id, { covered: shares[i], fresh: fresh[i]! }]),
  );
  let refused = 0;
  for (const row of accepted) {
    const { covered, fresh: freshness } = shown.get(row.submission_id) ?? { covered: undefined, fresh: 1 };
    const verifiedTokens = freshness * vouchedTokens(row.tokens, covered, plan);
    await recordCoverage(tx, row.submission_id, { covered: covered ?? null, verifiedTokens });
    const refusal = refusalOf(row, { covered, verifiedTokens, training: options.training });
    if (!refusal) continue;
    refused++;
    log.info('Refused at the close of its round', { submission: row.submission_id, code: refusal.code });
    await refuseFolded(tx, [row], refusal);
  }
  return accepted.length - refused;
}

interface Shown {
  readonly covered: number | undefined;
  readonly verifiedTokens: number;
  readonly training: TrainingSettings;
}

function refusalOf(row: SubmissionRow, { covered, verifiedTokens, training }: Shown) {
  const gain = { meanGainNats: row.gain_nats ?? 0, standardErrorNats: row.error_nats ?? 0 };
  if (covered === undefined) return isGainShown(gain, training.gate) ? undefined : WITHIN_NOISE;
  if (verifiedTokens > 0 || row.tokens === 0) return undefined;
  return { code: 'TOO_LITTLE_WORK', reason: reasonFor(covered, training.work.minCovered) };
}

function hasGaps(row: SubmissionRow): row is SubmissionRow & { readonly gaps: RowGaps } {
  return row.gaps !== null;
}

function reasonFor(covered: number, least: number): string {
  const percent = (share: number): string => `${(100 * share).toFixed(0)}%`;
  return `Rows of its task show work on ${percent(covered)} of what it claims; at least ${percent(least)} is needed.`;
}
