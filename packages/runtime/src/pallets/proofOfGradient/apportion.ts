/**
 * @file Divides an amount in proportion to scores, exactly: the parts sum to the amount (CHAIN-2). Method: largest
 * remainder (Hamilton). Every part is its exact share rounded down, plus at most one planck.
 */

/**
 * The part of a score among scores that come one after the other: the difference of two rounded running sums, so that
 * the parts of all scores sum to the amount whatever the pages, and each is its exact share to within one planck.
 * `before` is the sum of the scores before it.
 */
export function runningPart(
  amount: bigint,
  { score, before, total }: { readonly score: bigint; readonly before: bigint; readonly total: bigint },
): bigint {
  if (total === 0n) return 0n;
  return (amount * (before + score)) / total - (amount * before) / total;
}

/**
 * One part per score; ties of the remainder go to the earlier entry, so callers order entries by account.
 * With no positive score every part is 0. Cost: n log n.
 */
export function apportion(amount: bigint, scores: readonly bigint[]): bigint[] {
  const total = scores.reduce((sum, score) => sum + score, 0n);
  if (total === 0n) return scores.map(() => 0n);
  const parts = scores.map((score) => (amount * score) / total);
  let left = amount - parts.reduce((sum, part) => sum + part, 0n);
  const remainders = scores.map((score, entry) => ({ entry, remainder: (amount * score) % total }));
  remainders.sort((a, b) =>
    a.remainder === b.remainder ? a.entry - b.entry : a.remainder > b.remainder ? -1 : 1,
  );
  for (const { entry } of remainders) {
    if (left === 0n) break;
    parts[entry]! += 1n;
    left -= 1n;
  }
  return parts;
}
