/** @file Storage of the Session pallet. Lists follow the validator set, which is bounded; keys belong to bonds. */
import { vec } from '../../scale/collections.js';
import { u32 } from '../../scale/primitives.js';
import { accountId } from '../../scale/substrateTypes.js';
import { optionalMap, storageMap, storageOptional, storageValue } from '../../storage/StorageItem.js';
import {
  activeValidator,
  consensusAddressType,
  missedVotes,
  retiredKey,
  sessionKeys,
  validatorUpdate,
} from './types.js';

const pallet = 'Session';

/** Replaced keys that one account may still answer for. */
export const MAX_RETIRED_KEYS = 8;

export const validators = storageValue({
  pallet,
  name: 'Validators',
  type: vec(accountId),
  default: [],
  docs: 'The accounts of the active set.',
});
export const currentIndex = storageValue({
  pallet,
  name: 'CurrentIndex',
  type: u32,
  default: 0,
  docs: 'Number of the running session.',
});
export const sessionStart = storageValue({
  pallet,
  name: 'SessionStart',
  type: u32,
  default: 0,
  docs: 'Block at whose end the running session began.',
});
export const activeSet = storageValue({
  pallet,
  name: 'ActiveSet',
  type: vec(activeValidator),
  default: [],
  docs: 'Validators with keys and voting powers. Empty: the validators are those of the consensus genesis.',
});
export const nextKeys = optionalMap({
  pallet,
  name: 'NextKeys',
  hasher: 'Blake2128Concat',
  key: accountId,
  bound: { paidBy: 'bond' },
  type: sessionKeys,
  docs: 'The keys of an account, used from the next session on.',
});
export const keyOwner = optionalMap({
  pallet,
  name: 'KeyOwner',
  hasher: 'Blake2128Concat',
  key: consensusAddressType,
  bound: { paidBy: 'bond' },
  type: accountId,
  docs: 'Who answers for a consensus address.',
});
export const retiredKeys = storageMap({
  pallet,
  name: 'RetiredKeys',
  hasher: 'Blake2128Concat',
  key: accountId,
  bound: { paidBy: 'bond' },
  type: vec(retiredKey),
  default: [],
  docs: 'Replaced keys that an account still answers for.',
});
export const missed = storageValue({
  pallet,
  name: 'Missed',
  type: vec(missedVotes),
  default: [],
  docs: 'Votes that validators missed in the running session.',
});
export const pendingUpdates = storageOptional({
  pallet,
  name: 'PendingUpdates',
  type: vec(validatorUpdate),
  docs: 'Voting powers that this block has changed.',
});

export const sessionStorage = [
  validators,
  currentIndex,
  sessionStart,
  activeSet,
  nextKeys,
  keyOwner,
  retiredKeys,
  missed,
  pendingUpdates,
] as const;
