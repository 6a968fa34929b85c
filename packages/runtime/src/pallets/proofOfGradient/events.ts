/** @file Events and errors of the ProofOfGradient pallet. */
import { u32, u128 } from '../../scale/primitives.js';
import { accountId } from '../../scale/substrateTypes.js';
import { defineErrors, defineEvents } from '../Pallet.js';
import { roleType } from './types.js';

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
});
