/** @file The ProofOfGradient pallet: settles epochs, mints by the emission schedule, pays for verified work. */
import { MAX_SUPPLY_PLANCK } from '@alice/protocol';
import { u32, u64, u128 } from '../../scale/primitives.js';
import type { ScaleType } from '../../scale/ScaleType.js';
import { constant, type Pallet } from '../Pallet.js';
import { gradientCalls } from './calls.js';
import { FIRST_PERIOD_BUDGET, HALVING_PERIOD_MS } from './emission.js';
import { gradientErrors, gradientEvents, gradientIdentity } from './events.js';
import {
  EPOCHS_KEPT,
  MAX_EPOCH_ENTRIES,
  MAX_PAGE_ENTRIES,
  MAX_PAGES,
  MAX_SCORES,
  PAYOUT_EPOCHS_KEPT,
  PAYOUTS_KEPT,
} from './limits.js';
import { pagedCalls } from './pagedCalls.js';
import { REWARD_ADDRESS_DEPOSIT } from './rewardAddress.js';
import { proofOfGradientStorage } from './storage.js';
import { tryProofOfGradient } from './tryState.js';

export const proofOfGradient: Pallet = {
  ...gradientIdentity,
  storage: proofOfGradientStorage,
  constants: {
    MaxSupply: constant(u128, MAX_SUPPLY_PLANCK, 'No more planck than this will ever exist.'),
    FirstPeriodBudget: constant(
      u128,
      FIRST_PERIOD_BUDGET,
      'Emission of the first halving period, in planck.',
    ),
    HalvingPeriodMs: constant(u64, HALVING_PERIOD_MS, 'Milliseconds after which the emission halves.'),
    MaxScores: constant(u32, MAX_SCORES, 'Most entries of one epoch report.'),
    MaxPageEntries: constant(u32, MAX_PAGE_ENTRIES, 'Most entries of one page of a report in pages.'),
    MaxPages: constant(u32, MAX_PAGES, 'Most pages of one report.'),
    MaxEpochEntries: constant(u32, MAX_EPOCH_ENTRIES, 'Most entries of a report in pages.'),
    EpochsKept: constant(u32, EPOCHS_KEPT, 'Records of so many epochs stay in the state.'),
    PayoutEpochsKept: constant(
      u32,
      PAYOUT_EPOCHS_KEPT,
      'Payouts of at most so many epochs stay in the state.',
    ),
    PayoutsKept: constant(u32, PAYOUTS_KEPT, 'The oldest payouts go while the state has more than so many.'),
    RewardAddressDeposit: constant(
      u128,
      REWARD_ADDRESS_DEPOSIT,
      'Held from an account that sends its rewards elsewhere, in planck.',
    ),
  },
  calls: { ...gradientCalls, ...pagedCalls },
  events: gradientEvents.type as ScaleType<unknown>,
  errors: gradientErrors.type,
  tryState: tryProofOfGradient,
};
