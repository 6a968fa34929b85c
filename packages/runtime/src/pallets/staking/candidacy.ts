/** @file Who wants to validate: the list of candidates, ascending by account, and how one gets on and off it. */
import { compareBytes, equalBytes } from '@alice/protocol';
import type { AccountId } from '../../scale/substrateTypes.js';
import type { StateAccess } from '../../storage/Overlay.js';
import type { DispatchError, PalletContext } from '../Pallet.js';
import { nextKeys } from '../session/storage.js';
import { now } from '../timestamp/index.js';
import { stakingErrors, stakingEvents } from './events.js';
import { candidates, ledgers, MAX_CANDIDATES, rules } from './storage.js';

export function isCandidate(state: StateAccess, who: AccountId): boolean {
  return candidates.get(state).some((account) => equalBytes(account, who));
}

/** Puts a bonded account with keys on the list. */
export function validate(context: PalletContext, who: AccountId): DispatchError | undefined {
  const { state } = context;
  const ledger = ledgers.get(state, who);
  if (!ledger) return stakingErrors.of('NotBonded');
  if (ledger.role !== 'Validator') return stakingErrors.of('WrongRole');
  if (ledger.active < rules.get(state).minimum_validator_stake) return stakingErrors.of('InsufficientBond');
  if (ledger.jailed_until > now.get(state)) return stakingErrors.of('Jailed');
  if (!nextKeys.get(state, who)?.validator) return stakingErrors.of('NoKeys');
  if (isCandidate(state, who)) return stakingErrors.of('AlreadyCandidate');
  const list = candidates.get(state);
  if (list.length >= MAX_CANDIDATES) return stakingErrors.of('TooManyCandidates');
  candidates.put(state, [...list, who].sort(compareBytes));
  stakingEvents.deposit(context, 'Validating', { stash: who });
  return undefined;
}

/** Takes an account off the list, if it is on it. */
export function chill(context: PalletContext, who: AccountId): void {
  const list = candidates.get(context.state);
  const rest = list.filter((account) => !equalBytes(account, who));
  if (rest.length === list.length) return;
  candidates.put(context.state, rest);
  stakingEvents.deposit(context, 'Chilled', { stash: who });
}
