/**
 * @file Which account answers for which consensus key. A replaced key stays its account's until nothing signed with it
 * can be slashed any more. Registering needs a signature of the key itself, so nobody can take another's.
 */
import { concatBytes, equalBytes, utf8 } from '@alice/protocol';
import { ed25519Verify } from '@polkadot/wasm-crypto';
import type { AccountId } from '../../scale/substrateTypes.js';
import type { StateAccess } from '../../storage/Overlay.js';
import type { DispatchError, PalletContext } from '../Pallet.js';
import { ledgers, rules } from '../staking/storage.js';
import { now } from '../timestamp/index.js';
import { consensusAddress } from './consensusAddress.js';
import { sessionErrors, sessionEvents } from './events.js';
import { activeSet, keyOwner, MAX_RETIRED_KEYS, nextKeys, retiredKeys } from './storage.js';
import type { SessionKeys } from './types.js';

/** What a validator key signs (ed25519, raw) to be registered by `account`. */
export function sessionKeyProof(account: AccountId): Uint8Array {
  return concatBytes(utf8.encode('alice/session-key/'), account);
}

/** The account that answers for a consensus address. */
export function ownerOf(state: StateAccess, address: Uint8Array): AccountId | undefined {
  const registered = keyOwner.get(state, address);
  if (registered) return registered;
  return activeSet.get(state).find(({ key }) => equalBytes(consensusAddress(key), address))?.account;
}

/** Registers keys. `proof` is the validator key's signature over `sessionKeyProof`; only a new key needs it. */
export function setKeys(
  context: PalletContext,
  who: AccountId,
  { keys, proof }: { keys: SessionKeys; proof: Uint8Array },
): DispatchError | undefined {
  const { state } = context;
  if (!ledgers.get(state, who) && !isActive(state, who)) return sessionErrors.of('NoAssociatedValidatorId');
  const before = nextKeys.get(state, who)?.validator;
  const { validator } = keys;
  const isNew = validator !== undefined && !(before && equalBytes(validator, before));
  if (isNew) {
    const owner = ownerOf(state, consensusAddress(validator));
    if (owner && !equalBytes(owner, who)) return sessionErrors.of('DuplicatedKey');
    if (!isProven(who, validator, proof)) return sessionErrors.of('InvalidProof');
  }
  if (before && (isNew || validator === undefined)) {
    if (validator === undefined && isActive(state, who)) return sessionErrors.of('KeyInUse');
    if (!retire(context, who, before)) return sessionErrors.of('TooManyRetiredKeys');
  }
  if (isNew) adopt(state, who, validator);
  nextKeys.put(state, who, keys);
  sessionEvents.deposit(context, 'KeysSet', { account: who, keys });
  return undefined;
}

/** Forgets everything about the keys of an account that has no bond any more. */
export function dropKeys(state: StateAccess, who: AccountId): void {
  const current = nextKeys.get(state, who)?.validator;
  if (current) keyOwner.remove(state, consensusAddress(current));
  for (const { address } of retiredKeys.get(state, who)) keyOwner.remove(state, address);
  retiredKeys.remove(state, who);
  nextKeys.remove(state, who);
}

/** Retires the validator key and removes the rest; the account answers for the key a while longer. */
export function purgeKeys(context: PalletContext, who: AccountId): DispatchError | undefined {
  const { state } = context;
  const keys = nextKeys.get(state, who);
  if (!keys) return sessionErrors.of('NoKeys');
  if (isActive(state, who)) return sessionErrors.of('KeyInUse');
  if (keys.validator && !retire(context, who, keys.validator)) return sessionErrors.of('TooManyRetiredKeys');
  nextKeys.remove(state, who);
  sessionEvents.deposit(context, 'KeysPurged', { account: who });
  return undefined;
}

export function isActive(state: StateAccess, who: AccountId): boolean {
  return activeSet.get(state).some(({ account }) => equalBytes(account, who));
}

function isProven(who: AccountId, key: Uint8Array, proof: Uint8Array): boolean {
  if (proof.length !== 64 || key.every((byte) => byte === 0)) return false;
  try {
    return ed25519Verify(proof, sessionKeyProof(who), key);
  } catch {
    return false;
  }
}

/** Makes `who` the owner of a key that may have been theirs before. */
function adopt(state: StateAccess, who: AccountId, key: Uint8Array): void {
  const address = consensusAddress(key);
  keyOwner.put(state, address, who);
  putRetired(
    state,
    who,
    retiredKeys.get(state, who).filter((old) => !equalBytes(old.address, address)),
  );
}

/** Keeps a key on the list of those answered for; `false` when the list is full. */
function retire({ state }: PalletContext, who: AccountId, key: Uint8Array): boolean {
  const time = now.get(state);
  const known = retiredKeys.get(state, who);
  const kept = known.filter(({ until }) => until > time);
  if (kept.length >= MAX_RETIRED_KEYS) return false;
  for (const { address, until } of known) if (until <= time) keyOwner.remove(state, address);
  const until = time + rules.get(state).unbonding_ms;
  putRetired(state, who, [...kept, { address: consensusAddress(key), until }]);
  return true;
}

function putRetired(
  state: StateAccess,
  who: AccountId,
  list: readonly { address: Uint8Array; until: bigint }[],
): void {
  if (list.length === 0) retiredKeys.remove(state, who);
  else retiredKeys.put(state, who, list);
}
