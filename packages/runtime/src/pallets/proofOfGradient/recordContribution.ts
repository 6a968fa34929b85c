/** @file What each account has done since genesis: the history that later decisions weigh. */
import type { StateAccess } from '../../storage/Overlay.js';
import { contributions } from './storage.js';
import type { Payout } from './types.js';

/** Adds one payout to its account's history. An entry without a score leaves no trace. */
export function recordContribution(
  state: StateAccess,
  epoch: number,
  { account, role, score, amount }: Payout,
): void {
  if (score === 0n) return;
  const known = contributions.get(state, account);
  const before = known ?? {
    cumulative_score: 0n,
    first_epoch: epoch,
    last_epoch: epoch,
    epochs: 0,
    total_paid: 0n,
  };
  const isNewEpoch = known === undefined || known.last_epoch !== epoch;
  contributions.put(state, account, {
    cumulative_score: before.cumulative_score + (role === 'Training' ? score : 0n),
    first_epoch: before.first_epoch,
    last_epoch: epoch,
    epochs: before.epochs + (isNewEpoch ? 1 : 0),
    total_paid: before.total_paid + amount,
  });
}
