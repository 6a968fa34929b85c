/** @file Events and errors of the Staking pallet. */
import { option } from '../../scale/collections.js';
import { u32, u64, u128 } from '../../scale/primitives.js';
import { accountId } from '../../scale/substrateTypes.js';
import { defineErrors, defineEvents } from '../Pallet.js';
import { stakingRulesType } from './rules.js';
import { evidenceType, offenceKind, stakeRole } from './types.js';

export const stakingIdentity = { name: 'Staking', module: 'pallet_staking', index: 6 } as const;

export const stakingEvents = defineEvents(stakingIdentity.module, stakingIdentity.index, {
  Bonded: { index: 0, fields: { stash: accountId, role: stakeRole, amount: u128 } },
  Unbonded: { index: 1, fields: { stash: accountId, amount: u128, until: u64 } },
  Withdrawn: { index: 2, fields: { stash: accountId, amount: u128 } },
  Validating: { index: 3, fields: { stash: accountId }, docs: ['A candidate for the next session.'] },
  Chilled: { index: 4, fields: { stash: accountId }, docs: ['No candidate any more.'] },
  Jailed: { index: 5, fields: { stash: accountId, until: u64 } },
  SlashReported: {
    index: 6,
    fields: { id: u32, stash: accountId, kind: offenceKind, amount: u128, applies_at: u64 },
    docs: ['A slash that root may cancel until `applies_at`.'],
  },
  SlashRaised: {
    index: 7,
    fields: { id: u32, stash: accountId, amount: u128 },
    docs: ['Others equivocated in the same session: the slash is larger now.'],
  },
  Slashed: {
    index: 8,
    fields: { id: u32, stash: accountId, amount: u128, reporter: option(accountId), reward: u128 },
    docs: ['The amount left the bond: the reward to the reporter, the rest to the treasury.'],
  },
  SlashCancelled: { index: 9, fields: { id: u32, stash: accountId } },
  EvidenceIgnored: {
    index: 10,
    fields: { evidence: evidenceType },
    docs: ['Seen before, or of a key that nobody has registered.'],
  },
  RulesSet: { index: 11, fields: { rules: stakingRulesType } },
});

export const stakingErrors = defineErrors(stakingIdentity, {
  AlreadyBonded: { index: 0, docs: ['This account has a bond: use bond_extra.'] },
  NotBonded: { index: 1, docs: ['This account has no bond: use bond.'] },
  InsufficientBond: { index: 2, docs: ['The bond would be below the minimum for its role.'] },
  InsufficientBalance: { index: 3, docs: ['The balance is too low to bond this amount and stay open.'] },
  NoMoreChunks: { index: 4, docs: ['Too many amounts are unbonding: withdraw first.'] },
  NothingToWithdraw: { index: 5, docs: ['Nothing has finished unbonding yet.'] },
  SlashPending: { index: 6, docs: ['A slash waits to be applied: nothing can be withdrawn until then.'] },
  WrongRole: { index: 7, docs: ['The bond is for another role.'] },
  AlreadyCandidate: { index: 8, docs: ['This account is a candidate already.'] },
  NotCandidate: { index: 9, docs: ['This account is not a candidate.'] },
  TooManyCandidates: { index: 10, docs: ['No more candidates are taken.'] },
  Jailed: { index: 11, docs: ['This account is jailed for an offence.'] },
  NoKeys: { index: 12, docs: ['Set a validator key first: Session.set_keys.'] },
  RulesInvalid: { index: 13, docs: ['A rule is outside its limits.'] },
  UnknownSlash: { index: 14, docs: ['There is no such slash, or it is applied.'] },
  ShareInvalid: { index: 15, docs: ['A share is at most the whole.'] },
  AmountZero: { index: 16, docs: ['The amount must not be zero.'] },
});
