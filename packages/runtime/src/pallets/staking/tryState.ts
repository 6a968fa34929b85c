/** @file Invariants of the Staking pallet, checked over a whole state (CHAIN-5). */
import { addressOf, compareBytes } from '@alice/protocol';
import { holds } from '../balances/storage.js';
import type { FullState } from '../Pallet.js';
import { sumOf } from './bonding.js';
import { rulesAreSound } from './rules.js';
import {
  candidates,
  knownEvidenceList,
  ledgers,
  MAX_CANDIDATES,
  MAX_KNOWN_EVIDENCE,
  MAX_PENDING_SLASHES,
  MAX_UNLOCKING_CHUNKS,
  pendingSlashes,
  rules,
  unappliedSlashes,
} from './storage.js';
import type { StakingLedger } from './types.js';

/** Ledgers add up and are held; candidates are bonded; every waiting slash is listed once and counted. */
export function tryStaking(state: FullState): string[] {
  const problems: string[] = [];
  const waiting = countSlashes(state, problems);
  for (const key of state.keysOf(ledgers)) {
    const who = ledgers.keyFrom(key);
    const ledger = ledgers.get(state, who)!;
    const held = holds.get(state, who).find(({ id }) => id.type === 'Staking')?.amount ?? 0n;
    const found = tryLedger(ledger, { held, waiting: waiting.get(addressOf(who)) ?? 0 });
    problems.push(...found.map((what) => `${addressOf(who)}: ${what}`));
  }
  for (const key of state.keysOf(holds)) {
    const who = holds.keyFrom(key);
    const isHeld = holds.get(state, who).some(({ id }) => id.type === 'Staking');
    if (isHeld && !ledgers.get(state, who)) problems.push(`${addressOf(who)}: a hold without a bond`);
  }
  const list = candidates.get(state);
  if (list.length > MAX_CANDIDATES || list.some((who, i) => i > 0 && compareBytes(list[i - 1]!, who) >= 0))
    problems.push('the candidates are not in order');
  if (list.some((who) => ledgers.get(state, who)?.role !== 'Validator'))
    problems.push('a candidate without a bond');
  if (knownEvidenceList.get(state).length > MAX_KNOWN_EVIDENCE) problems.push('too much evidence is kept');
  if (!rulesAreSound(rules.get(state))) problems.push('a rule is outside its limits');
  return problems;
}

function tryLedger(
  { total, active, unlocking, pending_slashes: pending }: StakingLedger,
  { held, waiting }: { held: bigint; waiting: number },
): string[] {
  const problems: string[] = [];
  if (total !== active + sumOf(unlocking)) problems.push('the bond does not add up');
  if (total !== held) problems.push(`${total} planck are bonded but ${held} held`);
  if (unlocking.length > MAX_UNLOCKING_CHUNKS || unlocking.some(({ value }) => value === 0n))
    problems.push('impossible unlocking chunks');
  if (pending !== waiting) problems.push(`${pending} slashes are counted but ${waiting} wait`);
  return problems;
}

function countSlashes(state: FullState, problems: string[]): Map<string, number> {
  const counts = new Map<string, number>();
  const listed = pendingSlashes.get(state);
  if (listed.length > MAX_PENDING_SLASHES || listed.length !== state.keysOf(unappliedSlashes).length)
    problems.push('the list of waiting slashes is wrong');
  for (const id of listed) {
    const slash = unappliedSlashes.get(state, id);
    if (!slash) problems.push(`slash ${id} is listed but unknown`);
    else counts.set(addressOf(slash.stash), (counts.get(addressOf(slash.stash)) ?? 0) + 1);
  }
  return counts;
}
