/**
 * @file Ends sessions: deals with absent validators, chooses the next set from the candidates, numbers the session.
 * Runs at the end of every block. While the active set is empty nothing is chosen: the validators are then those of
 * the consensus genesis, which the runtime does not know.
 */
import { compareBytes, equalBytes } from '@alice/protocol';
import type { AccountId } from '../../scale/substrateTypes.js';
import type { StateAccess } from '../../storage/Overlay.js';
import type { PalletContext } from '../Pallet.js';
import { chill } from '../staking/candidacy.js';
import { reportSlash } from '../staking/slashing.js';
import { candidates, ledgers, rules, sessionOffences } from '../staking/storage.js';
import { now } from '../timestamp/index.js';
import { tooAbsent } from './downtime.js';
import { sessionEvents } from './events.js';
import { type Contender, selectValidators } from './selection.js';
import { activeSet, currentIndex, missed, nextKeys, sessionStart, validators } from './storage.js';
import type { ActiveValidator } from './types.js';

/** Starts the next session when the running one is as long as the rules say. */
export function rotateIfDue(context: PalletContext): void {
  const { state, blockNumber } = context;
  const blocks = blockNumber - sessionStart.get(state);
  if (blocks < rules.get(state).session_blocks) return;
  sendAwayAbsent(context, blocks);
  const set = activeSet.get(state);
  if (set.length > 0) putActiveSet(state, nextSet(state, set));
  const index = currentIndex.get(state) + 1;
  currentIndex.put(state, index);
  sessionStart.put(state, blockNumber);
  if (missed.get(state).length > 0) missed.put(state, []);
  if (sessionOffences.get(state).length > 0) sessionOffences.put(state, []);
  sessionEvents.deposit(context, 'NewSession', { session_index: index });
}

/** Takes a validator out of the set at once, unless it is the last. */
export function removeFromSet(context: PalletContext, who: AccountId): void {
  const set = activeSet.get(context.state);
  const rest = set.filter(({ account }) => !equalBytes(account, who));
  if (rest.length === 0 || rest.length === set.length) return;
  putActiveSet(context.state, rest);
  sessionEvents.deposit(context, 'ValidatorRemoved', { account: who });
}

export function putActiveSet(state: StateAccess, set: readonly ActiveValidator[]): void {
  const ordered = [...set].sort((a, b) => compareBytes(a.account, b.account));
  activeSet.put(state, ordered);
  validators.put(
    state,
    ordered.map(({ account }) => account),
  );
}

/** The best candidates; the present set where there are too few to take over. */
function nextSet(state: StateAccess, present: readonly ActiveValidator[]): readonly ActiveValidator[] {
  const { max_validators: seats, minimum_validators: least } = rules.get(state);
  const contenders = contendersIn(state);
  return contenders.length < least ? present : selectValidators(contenders, seats);
}

/** Candidates with enough bond and a key that are not jailed. Reads three entries per candidate. */
function contendersIn(state: StateAccess): Contender[] {
  const { minimum_validator_stake: least } = rules.get(state);
  const time = now.get(state);
  return candidates.get(state).flatMap((account) => {
    const ledger = ledgers.get(state, account);
    const key = nextKeys.get(state, account)?.validator;
    if (!ledger || !key || ledger.active < least || ledger.jailed_until > time) return [];
    return [{ account, key, stake: ledger.active }];
  });
}

function sendAwayAbsent(context: PalletContext, blocks: number): void {
  const { state } = context;
  const { downtime_limit: limit, downtime_slash: share } = rules.get(state);
  const setSize = activeSet.get(state).length;
  for (const { account, count } of tooAbsent(missed.get(state), { limit, blocks, setSize })) {
    sessionEvents.deposit(context, 'Absent', { account, missed: count });
    chill(context, account);
    reportSlash(context, { stash: account, kind: 'Downtime', share, reporter: undefined });
  }
}
