/** @file Invariants of the ledger, checked over a whole state (CHAIN-5). */
import { addressOf, equalBytes, MAX_SUPPLY_PLANCK } from '@alice/protocol';
import type { AccountId } from '../../scale/substrateTypes.js';
import type { FullState } from '../Pallet.js';
import { account } from '../system/storage.js';
import type { AccountInfo } from '../system/types.js';
import { EXISTENTIAL_DEPOSIT } from './ledger.js';
import { holds, totalIssuance } from './storage.js';

/**
 * Sum of balances = issuance ≤ cap; every open account but the fee collector's holds the existential deposit; what is
 * reserved is what is held for some reason.
 */
export function tryBalances(state: FullState, feeCollector: AccountId): string[] {
  const problems: string[] = [];
  let sum = 0n;
  for (const key of state.keysOf(account)) {
    const who = account.keyFrom(key);
    const info = account.get(state, who);
    sum += info.data.free + info.data.reserved;
    const held = holds.get(state, who).reduce((total, { amount }) => total + amount, 0n);
    if (held !== info.data.reserved)
      problems.push(`${addressOf(who)}: ${info.data.reserved} planck are reserved but ${held} held`);
    if (!equalBytes(who, feeCollector))
      problems.push(...tryAccount(info).map((what) => `${addressOf(who)}: ${what}`));
  }
  for (const key of state.keysOf(holds))
    if (account.get(state, holds.keyFrom(key)).data.reserved === 0n)
      problems.push(`${addressOf(holds.keyFrom(key))}: holds without a reserved balance`);
  const issuance = totalIssuance.get(state);
  if (sum !== issuance) problems.push(`balances sum to ${sum} planck but the issuance is ${issuance}`);
  if (issuance > MAX_SUPPLY_PLANCK)
    problems.push(`the issuance ${issuance} is above the cap ${MAX_SUPPLY_PLANCK}`);
  return problems;
}

function tryAccount({ providers, data }: AccountInfo): string[] {
  const total = data.free + data.reserved;
  if (providers === 0) return total === 0n ? [] : [`a closed account holds ${total} planck`];
  return total >= EXISTENTIAL_DEPOSIT ? [] : [`an open account holds only ${total} planck`];
}
