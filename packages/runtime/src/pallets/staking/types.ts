/** @file The types of the Staking pallet: bonds, what is on its way out of them, offences and slashes. */
import { option, vec } from '../../scale/collections.js';
import { compactU64, compactU128, u32, u64, u128 } from '../../scale/primitives.js';
import { plainEnum, struct } from '../../scale/records.js';
import type { ValueOf } from '../../scale/ScaleType.js';
import { accountId } from '../../scale/substrateTypes.js';
import { consensusAddressType } from '../session/types.js';

/** What a bond is for. An account bonds for one role. */
export const stakeRole = plainEnum('pallet_staking::StakeRole', ['Validator', 'ParameterServer']);
export type StakeRole = ValueOf<typeof stakeRole>;

/** Funds that leave the bond at a time, in milliseconds since 1970. */
export const unlockChunk = struct('pallet_staking::UnlockChunk', { value: compactU128, at: compactU64 });
export type UnlockChunk = ValueOf<typeof unlockChunk>;

/** A bond. Invariant: `total` = `active` + all of `unlocking` = what Balances holds for it. */
export const stakingLedger = struct('pallet_staking::StakingLedger', {
  stash: accountId,
  role: stakeRole,
  total: compactU128,
  active: compactU128,
  unlocking: vec(unlockChunk),
  /** No candidacy before this time, in milliseconds since 1970. */
  jailed_until: u64,
  /** Reported slashes that are not applied yet; while there are any, nothing can be withdrawn. */
  pending_slashes: u32,
});
export type StakingLedger = ValueOf<typeof stakingLedger>;

export const offenceKind = plainEnum('pallet_staking::OffenceKind', [
  'DuplicateVote',
  'LightClientAttack',
  'Downtime',
  'Decided',
]);
export type OffenceKind = ValueOf<typeof offenceKind>;

export const unappliedSlash = struct('pallet_staking::UnappliedSlash', {
  stash: accountId,
  kind: offenceKind,
  /** What could be slashed when it was reported, in planck. */
  base: u128,
  /** The part of `base` to take, in billionths. */
  share: u32,
  reporter: option(accountId),
  /** When it is taken, in milliseconds since 1970. */
  applies_at: u64,
});
export type UnappliedSlash = ValueOf<typeof unappliedSlash>;

export const evidenceKind = plainEnum('pallet_staking::EvidenceKind', ['DuplicateVote', 'LightClientAttack']);
export const evidenceType = struct('pallet_staking::Evidence', {
  kind: evidenceKind,
  offender: consensusAddressType,
  height: u64,
});

/** Evidence that was dealt with, and when. */
export const knownEvidence = struct('pallet_staking::KnownEvidence', { evidence: evidenceType, at: u64 });

/** An equivocation of the running session and the slash it led to. */
export const sessionOffence = struct('pallet_staking::SessionOffence', {
  offender: accountId,
  slash: option(u32),
});
