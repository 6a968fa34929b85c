/** @file What an epoch may mint: the schedule's difference over its time, and how its payments leave the ledger. */
import { MAX_SUPPLY_PLANCK } from '@alice/protocol';
import type { AccountId } from '../../scale/substrateTypes.js';
import type { StateAccess } from '../../storage/Overlay.js';
import { mint } from '../balances/ledger.js';
import { totalIssuance } from '../balances/storage.js';
import type { PalletContext } from '../Pallet.js';
import { emittedBy } from './emission.js';
import { gradientEvents } from './events.js';
import { genesisTime, rewardAddresses, roleAccounts, rolePayments } from './storage.js';
import { type Payout, ROLES, type Role, SHARE_DENOMINATOR } from './types.js';

/** What the schedule allows for an interval, never past the cap. */
export function rewardFor(state: StateAccess, fromMs: bigint, toMs: bigint): bigint {
  const genesis = genesisTime.get(state);
  const scheduled = emittedBy(genesis, toMs) - emittedBy(genesis, fromMs);
  const room = MAX_SUPPLY_PLANCK - totalIssuance.get(state);
  if (scheduled > room) return room;
  return scheduled;
}

/** Mints what these entries are paid; the money goes to the reward address of an account that has set one. */
export function payEntries(context: PalletContext, epoch: number, rewarded: readonly Payout[]): void {
  mint(
    context,
    rewarded.map(({ account, amount }) => ({
      to: rewardAddresses.get(context.state, account) ?? account,
      amount,
    })),
  );
  for (const payout of rewarded) gradientEvents.deposit(context, 'Rewarded', { epoch, ...payout });
}

/**
 * Takes each role account's share off the role's part and returns what is left for the entries. Nothing is minted yet.
 * A role without a positive score has no part, so its account gets nothing either.
 */
export function withoutRoleShares(
  state: StateAccess,
  parts: Readonly<Record<Role, bigint>>,
): { readonly left: Record<Role, bigint>; readonly payments: RolePayment[] } {
  const left = { ...parts };
  const payments: RolePayment[] = [];
  for (const role of ROLES) {
    const rule = roleAccounts.get(state, role);
    const amount = rule ? (parts[role] * BigInt(rule.share)) / BigInt(SHARE_DENOMINATOR) : 0n;
    if (!rule || amount === 0n) continue;
    left[role] -= amount;
    payments.push({ role, account: rule.account, amount });
  }
  return { left, payments };
}

export interface RolePayment {
  readonly role: Role;
  readonly account: AccountId;
  readonly amount: bigint;
}

/** Mints the shares of role accounts and keeps a record of them. */
export function payRoleAccounts(
  context: PalletContext,
  epoch: number,
  payments: readonly RolePayment[],
): void {
  if (payments.length === 0) return;
  mint(
    context,
    payments.map(({ account, amount }) => ({ to: account, amount })),
  );
  rolePayments.put(context.state, epoch, payments);
  for (const payment of payments) gradientEvents.deposit(context, 'RoleShared', { epoch, ...payment });
}
