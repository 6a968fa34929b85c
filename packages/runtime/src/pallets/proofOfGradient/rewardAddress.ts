/**
 * @file Where an account's rewards go instead, kept against a deposit, so that nobody fills the state with addresses.
 * Addresses set before there was a deposit stand without one.
 */
import { equalBytes, toHex } from '@alice/protocol';
import type { AccountId } from '../../scale/substrateTypes.js';
import type { StateAccess } from '../../storage/Overlay.js';
import { balancesErrors } from '../balances/events.js';
import { canHold, hold, release } from '../balances/ledger.js';
import { holds } from '../balances/storage.js';
import type { HoldReason } from '../balances/types.js';
import type { DispatchError, FullState, PalletContext } from '../Pallet.js';
import { gradientErrors, gradientEvents } from './events.js';
import { rewardAddresses } from './storage.js';

/** 0.01 ALICE. */
export const REWARD_ADDRESS_DEPOSIT = 10_000_000_000n;
const DEPOSIT: HoldReason = { type: 'ProofOfGradient', value: 'RewardAddress' };

export function setRewardAddress(
  context: PalletContext,
  account: AccountId,
  target: AccountId,
): DispatchError | undefined {
  const isNobody = target.every((byte) => byte === 0);
  if (isNobody || equalBytes(account, target)) return gradientErrors.of('RewardAddressInvalid');
  const missing = REWARD_ADDRESS_DEPOSIT - heldBy(context.state, account);
  if (missing > 0n && !canHold(context, account, missing)) return balancesErrors.of('InsufficientBalance');
  hold(context, account, { reason: DEPOSIT, amount: missing });
  rewardAddresses.put(context.state, account, target);
  gradientEvents.deposit(context, 'RewardAddressSet', { account, target });
  return undefined;
}

export function clearRewardAddress(context: PalletContext, account: AccountId): DispatchError | undefined {
  if (!rewardAddresses.get(context.state, account)) return gradientErrors.of('RewardAddressInvalid');
  release(context, account, { reason: DEPOSIT, amount: heldBy(context.state, account) });
  rewardAddresses.remove(context.state, account);
  gradientEvents.deposit(context, 'RewardAddressSet', { account, target: undefined });
  return undefined;
}

/** Nobody pays a deposit for nothing. */
export function tryRewardAddresses(state: FullState): string[] {
  const problems: string[] = [];
  for (const key of state.keysOf(holds)) {
    const who = holds.keyFrom(key);
    const held = heldBy(state, who);
    if (held === 0n || (held === REWARD_ADDRESS_DEPOSIT && rewardAddresses.get(state, who))) continue;
    problems.push(`${toHex(who)}: ${held} planck are held for a reward address`);
  }
  return problems;
}

function heldBy(state: StateAccess, who: AccountId): bigint {
  return holds.get(state, who).find(({ id }) => id.type === 'ProofOfGradient')?.amount ?? 0n;
}
