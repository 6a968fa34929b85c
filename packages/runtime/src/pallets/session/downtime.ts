/**
 * @file Counts votes that validators missed and, when a session ends, finds those that were away too long. Being away
 * is no proof of malice: the price is small, and never more than a third of the set is sent away at once.
 */
import { compareBytes, equalBytes } from '@alice/protocol';
import type { AccountId } from '../../scale/substrateTypes.js';
import type { StateAccess } from '../../storage/Overlay.js';
import { TEN_THOUSAND } from '../staking/rules.js';
import { ownerOf } from './keys.js';
import { activeSet, missed } from './storage.js';
import type { MissedVotes } from './types.js';

/** Notes the validators whose votes are missing from one commit; unknown addresses are left out. */
export function noteAbsent(state: StateAccess, addresses: readonly Uint8Array[]): void {
  const active = activeSet.get(state);
  const counts = new Map(missed.get(state).map((entry) => [entry.account, entry.count]));
  const keyOf = (who: AccountId): AccountId =>
    [...counts.keys()].find((known) => equalBytes(known, who)) ?? who;
  const seen: AccountId[] = [];
  for (const address of addresses) {
    const who = ownerOf(state, address);
    if (!who || !active.some(({ account }) => equalBytes(account, who))) continue;
    if (seen.some((other) => equalBytes(other, who))) continue;
    seen.push(who);
    counts.set(keyOf(who), (counts.get(keyOf(who)) ?? 0) + 1);
  }
  if (seen.length === 0) return;
  const entries = [...counts].map(([account, count]) => ({ account, count }));
  missed.put(
    state,
    entries.sort((a, b) => compareBytes(a.account, b.account)),
  );
}

/**
 * Validators that missed more than `limit` ten-thousandths of `blocks`, the most absent first, ties to the smaller
 * account; at most as many as leave more than two thirds of `setSize`.
 */
export function tooAbsent(
  entries: readonly MissedVotes[],
  { limit, blocks, setSize }: { limit: number; blocks: number; setSize: number },
): MissedVotes[] {
  const isOver = ({ count }: MissedVotes): boolean =>
    BigInt(count) * TEN_THOUSAND > BigInt(limit) * BigInt(blocks);
  const most = setSize < 1 ? 0 : Number((BigInt(setSize) - 1n) / 3n);
  return entries
    .filter(isOver)
    .sort((a, b) => b.count - a.count || compareBytes(a.account, b.account))
    .slice(0, most);
}
