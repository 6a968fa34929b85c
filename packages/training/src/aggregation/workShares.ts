/**
 * @file How much of a submission each of a round's is, for `mean-by-work`: its vouched tokens over the most of the round. Only
 * what the work tests vouch for and a receipt states; claims buy nothing. Pure, so that anyone has the same bits.
 */

/** Work that shows as nothing counts as this much of the most: an aggregate divides by the sum. */
const LEAST_SHARE = 1e-6;

/** In (0, 1], in the order given; 1 for all while nobody has any. */
export function workShares(verifiedTokens: readonly number[]): number[] {
  const most = verifiedTokens.reduce((max, tokens) => Math.max(max, tokens), 0);
  if (most === 0) return verifiedTokens.map(() => 1);
  return verifiedTokens.map((tokens) => Math.max(LEAST_SHARE, tokens / most));
}
