/**
 * @file Bonds: money that Balances holds for a role. Unbonded amounts wait for the unbonding period, in which they can
 * still be slashed. Invariant: what is held for an account is its ledger's total.
 */
import type { AccountId } from '../../scale/substrateTypes.js';
import type { StateAccess } from '../../storage/Overlay.js';
import { canHold, hold, release } from '../balances/ledger.js';
import type { HoldReason } from '../balances/types.js';
import type { DispatchError, PalletContext } from '../Pallet.js';
import { dropKeys } from '../session/keys.js';
import { now } from '../timestamp/index.js';
import { isCandidate } from './candidacy.js';
import { stakingErrors, stakingEvents } from './events.js';
import { ledgers, MAX_UNLOCKING_CHUNKS, rules } from './storage.js';
import type { StakeRole, StakingLedger, UnlockChunk } from './types.js';

export const BOND: HoldReason = { type: 'Staking', value: 'Bond' };

export function minimumStake(state: StateAccess, role: StakeRole): bigint {
  const { minimum_validator_stake: validator, minimum_parameter_server_stake: server } = rules.get(state);
  return role === 'Validator' ? validator : server;
}

export function bond(
  context: PalletContext,
  who: AccountId,
  { value, role }: { value: bigint; role: StakeRole },
): DispatchError | undefined {
  if (ledgers.get(context.state, who)) return stakingErrors.of('AlreadyBonded');
  if (value < minimumStake(context.state, role)) return stakingErrors.of('InsufficientBond');
  if (!canHold(context, who, value)) return stakingErrors.of('InsufficientBalance');
  hold(context, who, { reason: BOND, amount: value });
  ledgers.put(context.state, who, newLedger(who, { value, role }));
  stakingEvents.deposit(context, 'Bonded', { stash: who, role, amount: value });
  return undefined;
}

export function newLedger(
  stash: AccountId,
  { value, role }: { value: bigint; role: StakeRole },
): StakingLedger {
  return { stash, role, total: value, active: value, unlocking: [], jailed_until: 0n, pending_slashes: 0 };
}

export function bondExtra(context: PalletContext, who: AccountId, value: bigint): DispatchError | undefined {
  const ledger = ledgers.get(context.state, who);
  if (!ledger) return stakingErrors.of('NotBonded');
  if (value === 0n) return stakingErrors.of('AmountZero');
  if (!canHold(context, who, value)) return stakingErrors.of('InsufficientBalance');
  const { role } = ledger;
  if (ledger.active + value < minimumStake(context.state, role)) return stakingErrors.of('InsufficientBond');
  hold(context, who, { reason: BOND, amount: value });
  ledgers.put(context.state, who, { ...ledger, total: ledger.total + value, active: ledger.active + value });
  stakingEvents.deposit(context, 'Bonded', { stash: who, role, amount: value });
  return undefined;
}

/** Starts the unbonding of `value`, or of everything if that is less. What stays must meet the minimum, or be nothing. */
export function unbond(context: PalletContext, who: AccountId, value: bigint): DispatchError | undefined {
  const { state } = context;
  const ledger = ledgers.get(state, who);
  if (!ledger) return stakingErrors.of('NotBonded');
  const amount = value < ledger.active ? value : ledger.active;
  if (amount === 0n) return stakingErrors.of('AmountZero');
  const left = ledger.active - amount;
  if (left < minimumStake(state, ledger.role) && (left > 0n || isCandidate(state, who)))
    return stakingErrors.of('InsufficientBond');
  const at = now.get(state) + rules.get(state).unbonding_ms;
  const unlocking = withChunk(ledger.unlocking, { value: amount, at });
  if (unlocking.length > MAX_UNLOCKING_CHUNKS) return stakingErrors.of('NoMoreChunks');
  ledgers.put(state, who, { ...ledger, active: left, unlocking });
  stakingEvents.deposit(context, 'Unbonded', { stash: who, amount, until: at });
  return undefined;
}

/** Gives back what has finished unbonding; an empty bond is forgotten with its keys. */
export function withdrawUnbonded(context: PalletContext, who: AccountId): DispatchError | undefined {
  const { state } = context;
  const ledger = ledgers.get(state, who);
  if (!ledger) return stakingErrors.of('NotBonded');
  if (ledger.pending_slashes > 0) return stakingErrors.of('SlashPending');
  const time = now.get(state);
  const unlocking = ledger.unlocking.filter(({ at }) => at > time);
  const amount = sumOf(ledger.unlocking) - sumOf(unlocking);
  if (amount === 0n) return stakingErrors.of('NothingToWithdraw');
  release(context, who, { reason: BOND, amount });
  putLedger(state, { ...ledger, total: ledger.total - amount, unlocking });
  stakingEvents.deposit(context, 'Withdrawn', { stash: who, amount });
  return undefined;
}

/** Stores a ledger, or forgets it when nothing is left and nothing can come. */
export function putLedger(state: StateAccess, ledger: StakingLedger): void {
  if (ledger.total > 0n || ledger.pending_slashes > 0) ledgers.put(state, ledger.stash, ledger);
  else {
    ledgers.remove(state, ledger.stash);
    dropKeys(state, ledger.stash);
  }
}

export function sumOf(chunks: readonly UnlockChunk[]): bigint {
  return chunks.reduce((sum, { value }) => sum + value, 0n);
}

/** Chunks in order of time; amounts of the same time are one chunk. */
function withChunk(chunks: readonly UnlockChunk[], chunk: UnlockChunk): UnlockChunk[] {
  const same = chunks.find(({ at }) => at === chunk.at);
  const merged = same ? { at: chunk.at, value: same.value + chunk.value } : chunk;
  return [...chunks.filter(({ at }) => at !== chunk.at), merged].sort((a, b) => (a.at < b.at ? -1 : 1));
}
