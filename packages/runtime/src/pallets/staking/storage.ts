/** @file Storage of the Staking pallet. Lists are bounded by the constants beside them; ledgers by the bonds they cost. */
import { vec } from '../../scale/collections.js';
import { u32 } from '../../scale/primitives.js';
import { accountId } from '../../scale/substrateTypes.js';
import { optionalMap, storageValue } from '../../storage/StorageItem.js';
import { INITIAL_RULES, stakingRulesType } from './rules.js';
import { knownEvidence, sessionOffence, stakingLedger, unappliedSlash } from './types.js';

const pallet = 'Staking';

export const MAX_CANDIDATES = 1_000;
export const MAX_UNLOCKING_CHUNKS = 32;
/** With this many slashes waiting, a further one is applied at once. */
export const MAX_PENDING_SLASHES = 512;
/** Evidence that is remembered, so that the same one is not counted twice; the oldest is forgotten first. */
export const MAX_KNOWN_EVIDENCE = 512;

export const rules = storageValue({
  pallet,
  name: 'Rules',
  type: stakingRulesType,
  default: INITIAL_RULES,
  docs: 'The rules that root may change.',
});
export const ledgers = optionalMap({
  pallet,
  name: 'Ledger',
  hasher: 'Blake2128Concat',
  key: accountId,
  bound: { paidBy: 'bond' },
  type: stakingLedger,
  docs: 'The bond of an account.',
});
export const candidates = storageValue({
  pallet,
  name: 'Candidates',
  type: vec(accountId),
  default: [],
  docs: 'Accounts that want to validate, ascending.',
});
export const nextSlash = storageValue({ pallet, name: 'NextSlash', type: u32, default: 0 });
export const pendingSlashes = storageValue({
  pallet,
  name: 'PendingSlashes',
  type: vec(u32),
  default: [],
  docs: 'Numbers of the slashes that are not applied yet, ascending.',
});
export const unappliedSlashes = optionalMap({
  pallet,
  name: 'UnappliedSlashes',
  hasher: 'Twox64Concat',
  key: u32,
  bound: { most: MAX_PENDING_SLASHES },
  type: unappliedSlash,
  docs: 'Slashes that root may still cancel.',
});
export const knownEvidenceList = storageValue({
  pallet,
  name: 'KnownEvidence',
  type: vec(knownEvidence),
  default: [],
  docs: 'Evidence that was dealt with, oldest first.',
});
export const sessionOffences = storageValue({
  pallet,
  name: 'SessionOffences',
  type: vec(sessionOffence),
  default: [],
  docs: 'Equivocations of the running session.',
});

export const stakingStorage = [
  rules,
  ledgers,
  candidates,
  nextSlash,
  pendingSlashes,
  unappliedSlashes,
  knownEvidenceList,
  sessionOffences,
] as const;
