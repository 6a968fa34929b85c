/**
 * @file Works out what an epoch pays, as pure functions: the reward is divided between roles by their shares, and a
 * role's part between its entries by score (CHAIN-2). A role without a positive score leaves its part unminted;
 * without a positive TRAINING score nothing is minted at all.
 */
import { apportion } from './apportion.js';
import {
  type Payout,
  ROLES,
  type Role,
  type RoleShares,
  type ScoreEntry,
  SHARE_DENOMINATOR,
} from './types.js';

/** One payout per entry, in the entries' order (ascending by role, then account). */
export function settle(reward: bigint, shares: RoleShares, entries: readonly ScoreEntry[]): Payout[] {
  return divide(earnedParts(reward, shares, totalsOf(entries)), entries);
}

/** Divides what each role has earned between its entries by score. */
export function divide(parts: Readonly<Record<Role, bigint>>, entries: readonly ScoreEntry[]): Payout[] {
  return ROLES.flatMap((role) => {
    const own = entries.filter((entry) => entry.role === role);
    const amounts = apportion(
      parts[role],
      own.map((entry) => entry.score),
    );
    return own.map((entry, i) => ({ ...entry, amount: amounts[i]! }));
  });
}

/** What each role earns together: nothing without a positive score in it, nothing at all without training. */
export function earnedParts(
  reward: bigint,
  shares: RoleShares,
  totals: Readonly<Record<Role, bigint>>,
): Record<Role, bigint> {
  if (totals.Training === 0n) return { Training: 0n, Scoring: 0n, Infrastructure: 0n };
  const parts = roleParts(reward, shares);
  for (const role of ROLES) if (totals[role] === 0n) parts[role] = 0n;
  return parts;
}

export function totalsOf(entries: readonly ScoreEntry[]): Record<Role, bigint> {
  const totals = { Training: 0n, Scoring: 0n, Infrastructure: 0n };
  for (const { role, score } of entries) totals[role] += score;
  return totals;
}

export function hasTrainingScore(entries: readonly ScoreEntry[]): boolean {
  return entries.some(({ role, score }) => role === 'Training' && score > 0n);
}

/** The reward by role: differences of rounded running sums, so the parts sum to the reward exactly. */
export function roleParts(reward: bigint, shares: RoleShares): Record<Role, bigint> {
  const upTo = (bps: number): bigint => (reward * BigInt(bps)) / BigInt(SHARE_DENOMINATOR);
  const training = upTo(shares.training);
  const working = upTo(shares.training + shares.scoring);
  const all = upTo(shares.training + shares.scoring + shares.infrastructure);
  return { Training: training, Scoring: working - training, Infrastructure: all - working };
}
