/**
 * @file Computes again what the submissions of a version are paid, from their signed receipts (SCORE-7): the very functions
 * that the server pays with. What a receipt states and this takes over: gains (measured again by `verifyScore`), how
 * much of a task shows work, whether work was stale. What is computed: weights in the mean, tokens paid for, rates, scores.
 */
import type { Receipt, SparseDelta, VersionFold } from '@alice/protocol';
import {
  defaultFreshnessSettings,
  foldedGains,
  type VerifiedScoreSettings,
  verifiedScores,
  vouchedTokens,
  workShares,
} from '@alice/training';
import { deltaNorm } from '../compute/deltaNorm.js';
import { VerifyError } from './VerifyError.js';

export interface FoldedWork {
  /** Signature and server checked. */
  readonly receipt: Receipt;
  /** As decoded from the bytes that the receipt names. */
  readonly delta: SparseDelta;
}

export interface VerifiedPay {
  /** Sum of the scores computed again, nano-nats. */
  readonly nanoNats: bigint;
  readonly submissions: number;
  /** Of regional servers, whose scores go to the region's miners: not computed here. */
  readonly contributions: number;
  /** Submissions whose coverage could not be told, so that they are paid for what they claim. */
  readonly untold: number;
}

/** `work`: in the fold's order. Throws `PAY_NOT_STATED`, `PAY_DIFFERS`. */
export function verifyPay(fold: VersionFold, work: readonly FoldedWork[]): VerifiedPay {
  const receipts = work.map(({ receipt }) => receipt);
  for (const [i, receipt] of receipts.entries()) checkPlace(fold, i, receipt);
  checkWeights(fold, receipts);
  const { pay } = fold;
  if (!pay || receipts.some(({ pay: rates }) => !rates))
    throw new VerifyError(
      { code: 'PAY_NOT_STATED', version: fold.version },
      `version ${fold.version} was made before rules and rates of pay were public: its pay cannot be computed again`,
    );
  const gains = foldedGains(
    work.map(({ receipt, delta }) => ({ gainNats: receipt.gainNats ?? 0, normL2: deltaNorm(delta) })),
  );
  const scores = verifiedScores(
    receipts.map((receipt, i) => ({
      gate: 'accept',
      workTests: 'passed',
      gainNats: gains[i]!,
      verifiedTokens: receipt.verifiedTokens ?? receipt.tokens,
      ...(receipt.pay!.previousRate === null ? {} : { previousRate: receipt.pay!.previousRate }),
    })),
    pay satisfies VerifiedScoreSettings,
  );
  let nanoNats = 0n;
  let contributions = 0;
  for (const [i, receipt] of receipts.entries()) {
    const { members } = fold.submissions[i]!;
    if (members !== undefined) {
      contributions++;
      continue;
    }
    nanoNats += scores[i]!.nanoNats;
    differs(receipt, 'score', receipt.score, scores[i]!.nanoNats.toString());
    differs(receipt, 'pay.smoothedRate', receipt.pay!.smoothedRate, scores[i]!.smoothedRate ?? null);
  }
  const untold = receipts.filter(({ work: probe }) => probe?.covered == null).length;
  return { nanoNats, submissions: receipts.length, contributions, untold };
}

function checkPlace(fold: VersionFold, at: number, receipt: Receipt): void {
  const { submissionId, blob } = fold.submissions[at]!;
  differs(receipt, 'submissionId', receipt.submissionId, submissionId);
  differs(receipt, 'blob.hash', receipt.blob.hash, blob.hash);
  differs(receipt, 'outcome', receipt.outcome, 'accepted');
  if (fold.submissions[at]!.members !== undefined) return; // what its members were vouched for
  const paid = receipt.verifiedTokens ?? receipt.tokens;
  const vouched = vouchedTokens(receipt.tokens, receipt.work?.covered ?? undefined);
  const stale = defaultFreshnessSettings.stalePay * vouched;
  if (paid !== stale) differs(receipt, 'verifiedTokens', paid, vouched);
}

/** Who weighs how much follows from the tokens that receipts vouch for. */
function checkWeights({ rule, submissions }: VersionFold, receipts: readonly Receipt[]): void {
  if (rule !== 'mean-by-work') return;
  const shares = workShares(receipts.map(({ verifiedTokens, tokens }) => verifiedTokens ?? tokens));
  for (const [i, { weight }] of submissions.entries()) differs(receipts[i]!, 'weight', weight, shares[i]!);
}

function differs(
  { submissionId }: Receipt,
  what: string,
  stated: string | number | null,
  computed: string | number | null,
): void {
  if (stated === computed) return;
  throw new VerifyError(
    { code: 'PAY_DIFFERS', what, stated: String(stated), computed: String(computed) },
    `${what} of ${submissionId} is ${stated}; from the receipts of its round it is ${computed}`,
  );
}
