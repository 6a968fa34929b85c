/** @file Invariants of the Session pallet, checked over a whole state (CHAIN-5). */
import { compareBytes, equalBytes, toHex } from '@alice/protocol';
import type { FullState } from '../Pallet.js';
import { rules } from '../staking/storage.js';
import { consensusAddress } from './consensusAddress.js';
import { activeSet, keyOwner, missed, nextKeys, retiredKeys, validators } from './storage.js';

/** The set is ordered, bounded and without repeated keys; every registered key has its owner and the reverse. */
export function trySession(state: FullState): string[] {
  const problems: string[] = [];
  const set = activeSet.get(state);
  const accounts = set.map(({ account }) => account);
  if (accounts.some((who, i) => i > 0 && compareBytes(accounts[i - 1]!, who) >= 0))
    problems.push('the active set is not in order');
  if (new Set(set.map(({ key }) => toHex(key))).size !== set.length) problems.push('a key validates twice');
  if (set.some(({ power }) => power < 1n)) problems.push('an active validator has no power');
  if (validators.get(state).map(toHex).join() !== accounts.map(toHex).join())
    problems.push('Validators and ActiveSet differ');
  if (missed.get(state).length > rules.get(state).max_validators + accounts.length)
    problems.push('more absences than validators are counted');
  return [...problems, ...tryKeys(state)];
}

function tryKeys(state: FullState): string[] {
  const problems: string[] = [];
  let known = 0;
  const expect = (address: Uint8Array, who: Uint8Array): void => {
    known++;
    const owner = keyOwner.get(state, address);
    if (!owner || !equalBytes(owner, who)) problems.push(`${toHex(address)}: a key without its owner`);
  };
  for (const storageKey of state.keysOf(nextKeys)) {
    const who = nextKeys.keyFrom(storageKey);
    const { validator } = nextKeys.get(state, who)!;
    if (validator) expect(consensusAddress(validator), who);
  }
  for (const storageKey of state.keysOf(retiredKeys)) {
    const who = retiredKeys.keyFrom(storageKey);
    for (const { address } of retiredKeys.get(state, who)) expect(address, who);
  }
  if (state.keysOf(keyOwner).length !== known) problems.push('a key owner without a key');
  return problems;
}
