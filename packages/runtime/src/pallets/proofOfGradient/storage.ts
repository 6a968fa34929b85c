/** @file Storage of the ProofOfGradient pallet. All but the maps has its value from genesis on. */
import { bytes, tuple, vec } from '../../scale/collections.js';
import { u32, u64 } from '../../scale/primitives.js';
import { accountId } from '../../scale/substrateTypes.js';
import { optionalMap, storageOptional, storageValue } from '../../storage/StorageItem.js';
import { EPOCHS_KEPT, EPOCHS_OVER, MAX_PAGES, PAYOUT_EPOCHS_KEPT } from './limits.js';
import {
  contributionType,
  EMPTY_ARCHIVE,
  epochArchiveType,
  epochInfo,
  INITIAL_ROLE_SHARES,
  openEpoch,
  payoutType,
  ROLES,
  roleAccount,
  rolePayment,
  roleSharesType,
  roleType,
  scoreEntry,
} from './types.js';

const pallet = 'ProofOfGradient';
const nobody = new Uint8Array(32);

const MOST_EPOCHS = EPOCHS_KEPT + EPOCHS_OVER;
const MOST_PAYOUT_EPOCHS = PAYOUT_EPOCHS_KEPT + EPOCHS_OVER;

export const currentEpoch = storageValue({
  pallet,
  name: 'CurrentEpoch',
  type: u32,
  default: 0,
  docs: 'The epoch that the next report must carry.',
});
export const lastSettledAt = storageValue({
  pallet,
  name: 'LastSettledAt',
  type: u64,
  default: 0n,
  docs: 'Emission is settled up to this time, in milliseconds since 1970.',
});
export const genesisTime = storageValue({
  pallet,
  name: 'GenesisTime',
  type: u64,
  default: 0n,
  docs: 'Start of the emission schedule, in milliseconds since 1970.',
});
export const parameterServer = storageValue({
  pallet,
  name: 'ParameterServer',
  type: accountId,
  default: nobody,
  docs: 'The account whose epoch reports are accepted.',
});
export const feeCollector = storageValue({
  pallet,
  name: 'FeeCollector',
  type: accountId,
  default: nobody,
  docs: 'The account that receives fees and dust.',
});
export const roleShares = storageValue({
  pallet,
  name: 'RoleShares',
  type: roleSharesType,
  default: INITIAL_ROLE_SHARES,
  docs: 'How a reward is divided between roles, in ten-thousandths.',
});
export const genesisText = storageValue({
  pallet,
  name: 'GenesisText',
  type: bytes,
  default: new Uint8Array(),
  docs: 'What the first block says.',
});
export const epochs = optionalMap({
  pallet,
  name: 'Epochs',
  hasher: 'Twox64Concat',
  key: u32,
  bound: { most: MOST_EPOCHS },
  type: epochInfo,
  docs: 'Settled epochs; only EpochArchive knows of those before the oldest.',
});
export const payouts = optionalMap({
  pallet,
  name: 'Payouts',
  hasher: 'Twox64Concat',
  key: u32,
  bound: { most: MOST_PAYOUT_EPOCHS },
  type: vec(payoutType),
  docs: 'What each entry of an epoch was paid.',
});
export const contributions = optionalMap({
  pallet,
  name: 'Contributions',
  hasher: 'Blake2128Concat',
  key: accountId,
  bound: { paidBy: 'work' },
  type: contributionType,
  docs: 'What each account has contributed since genesis.',
});

export const openEpochValue = storageOptional({
  pallet,
  name: 'OpenEpoch',
  type: openEpoch,
  docs: 'The epoch that is being reported in pages.',
});
export const scorePages = optionalMap({
  pallet,
  name: 'ScorePages',
  hasher: 'Twox64Concat',
  key: u32,
  bound: { most: MAX_PAGES },
  type: vec(scoreEntry),
  docs: 'Pages of the open epoch that are not paid yet.',
});
export const epochPages = optionalMap({
  pallet,
  name: 'EpochPages',
  hasher: 'Twox64Concat',
  key: u32,
  bound: { most: MOST_PAYOUT_EPOCHS },
  type: u32,
  docs: 'How many payout pages an epoch has that was reported in pages.',
});
export const payoutPages = optionalMap({
  pallet,
  name: 'PayoutPages',
  hasher: 'Twox64Concat',
  key: tuple(u32, u32),
  bound: { most: (MOST_PAYOUT_EPOCHS + 1) * MAX_PAGES },
  type: vec(payoutType),
  docs: 'What each entry was paid, by epoch and page.',
});
export const epochArchive = storageValue({
  pallet,
  name: 'EpochArchive',
  type: epochArchiveType,
  default: EMPTY_ARCHIVE,
  docs: 'What is left of old epochs: sums, and a digest of everything that was removed.',
});
export const roleAccounts = optionalMap({
  pallet,
  name: 'RoleAccounts',
  hasher: 'Twox64Concat',
  key: roleType,
  bound: { most: ROLES.length },
  type: roleAccount,
  docs: 'Who gets a share of what a role earns.',
});
export const rolePayments = optionalMap({
  pallet,
  name: 'RolePayments',
  hasher: 'Twox64Concat',
  key: u32,
  bound: { most: MOST_PAYOUT_EPOCHS },
  type: vec(rolePayment),
  docs: 'What role accounts got of an epoch.',
});
export const rewardAddresses = optionalMap({
  pallet,
  name: 'RewardAddresses',
  hasher: 'Blake2128Concat',
  key: accountId,
  bound: { paidBy: 'deposit' },
  type: accountId,
  docs: 'Where the rewards of an account go instead.',
});

export const proofOfGradientStorage = [
  currentEpoch,
  lastSettledAt,
  genesisTime,
  parameterServer,
  feeCollector,
  roleShares,
  genesisText,
  epochs,
  payouts,
  contributions,
  openEpochValue,
  scorePages,
  epochPages,
  payoutPages,
  epochArchive,
  roleAccounts,
  rolePayments,
  rewardAddresses,
] as const;
