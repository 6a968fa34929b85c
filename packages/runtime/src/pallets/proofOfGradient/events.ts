/** @file Events and errors of the ProofOfGradient pallet. */
import { option } from '../../scale/collections.js';
import { u32, u128 } from '../../scale/primitives.js';
import { accountId } from '../../scale/substrateTypes.js';
import { defineErrors, defineEvents } from '../Pallet.js';
import { roleAccount, roleSharesType, roleType } from './types.js';

export const gradientIdentity = {
  name: 'ProofOfGradient',
  module: 'pallet_proof_of_gradient',
  index: 10,
} as const;

export const gradientEvents = defineEvents(gradientIdentity.module, gradientIdentity.index, {
  EpochSettled: {
    index: 0,
    fields: { epoch: u32, minted: u128, payouts: u32 },
    docs: ['An epoch is settled; `payouts` entries were paid.'],
  },
  Rewarded: {
    index: 1,
    fields: { epoch: u32, account: accountId, role: roleType, score: u128, amount: u128 },
    docs: ['An account was paid for its work in one role.'],
  },
  RoleShared: {
    index: 2,
    fields: { epoch: u32, role: roleType, account: accountId, amount: u128 },
    docs: ['A role account got its share of what the role earned.'],
  },
  EpochOpened: { index: 3, fields: { epoch: u32, entries: u32 } },
  ScoresReceived: { index: 4, fields: { epoch: u32, page: u32, received: u32 } },
  EpochClosed: {
    index: 5,
    fields: { epoch: u32, reward: u128 },
    docs: ['All pages are in; they are paid from this block on.'],
  },
  EpochAborted: { index: 6, fields: { epoch: u32 } },
  RoleSharesSet: { index: 7, fields: { shares: roleSharesType } },
  RoleAccountSet: { index: 8, fields: { role: roleType, rule: option(roleAccount) } },
  ParameterServerSet: { index: 9, fields: { account: accountId } },
  RewardAddressSet: { index: 10, fields: { account: accountId, target: option(accountId) } },
});

export const gradientErrors = defineErrors(gradientIdentity, {
  NotParameterServer: { index: 0, docs: ['Only the parameter server reports epochs.'] },
  EpochAlreadySettled: { index: 1, docs: ['This epoch is settled; nothing is left to do.'] },
  EpochOutOfOrder: { index: 2, docs: ['Report the epochs before this one first.'] },
  TooManyScores: { index: 3, docs: ['Report fewer entries.'] },
  ScoresNotAscending: { index: 4, docs: ['Order the entries by role, then account.'] },
  DuplicateScore: { index: 5, docs: ['Report an account once in each role.'] },
  ScoreTooLarge: { index: 6, docs: ['A score must be below 2^96.'] },
  VersionRangeInvalid: { index: 7, docs: ['The last version is before the first.'] },
  EpochOpen: { index: 8, docs: ['This epoch is being reported in pages: go on with them.'] },
  NoOpenEpoch: { index: 9, docs: ['Begin the epoch first.'] },
  PageAlreadyReceived: { index: 10, docs: ['This page is in; send the next one.'] },
  PageOutOfOrder: { index: 11, docs: ['Send the pages before this one first.'] },
  PageEmpty: { index: 12, docs: ['A page has at least one entry.'] },
  EntriesMissing: { index: 13, docs: ['The pages have another number of entries than was announced.'] },
  EpochPaying: { index: 14, docs: ['All pages are in and being paid; nothing is left to do.'] },
  SharesInvalid: { index: 15, docs: ['Role shares sum to 10,000; a role account gets at most 2,000.'] },
  RewardAddressInvalid: { index: 16, docs: ['Name another account, or clear the address.'] },
  HistoryFull: { index: 17, docs: ['Old epochs are being removed: send it again in a later block.'] },
});
