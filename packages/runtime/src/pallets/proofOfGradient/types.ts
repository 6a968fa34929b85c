/** @file The types of the ProofOfGradient pallet: reports, epochs, payouts and what each account has contributed. */
import { u16, u32, u64, u128 } from '../../scale/primitives.js';
import { plainEnum, struct } from '../../scale/records.js';
import type { ValueOf } from '../../scale/ScaleType.js';
import { accountId, h256 } from '../../scale/substrateTypes.js';

const path = (name: string) => `pallet_proof_of_gradient::types::${name}`;

export const ROLES = ['Training', 'Scoring', 'Infrastructure'] as const;
export type Role = (typeof ROLES)[number];
export const roleType = plainEnum(path('Role'), ROLES);

/** What one account earned in one role; training scores are nano-nats. */
export const scoreEntry = struct(path('ScoreEntry'), { account: accountId, role: roleType, score: u128 });
export type ScoreEntry = ValueOf<typeof scoreEntry>;

export const payoutType = struct(path('Payout'), {
  account: accountId,
  role: roleType,
  score: u128,
  amount: u128,
});
export type Payout = ValueOf<typeof payoutType>;

/** Shares of the reward in ten-thousandths. */
export const roleSharesType = struct(path('RoleShares'), {
  training: u16,
  scoring: u16,
  infrastructure: u16,
});
export type RoleShares = ValueOf<typeof roleSharesType>;

export const SHARE_DENOMINATOR = 10_000;
// CHAIN-2
export const INITIAL_ROLE_SHARES: RoleShares = { training: 8_900, scoring: 600, infrastructure: 500 };

/** A settled epoch; it pays for the time from `started_at` to `ended_at`, in milliseconds since 1970. */
export const epochInfo = struct(path('EpochInfo'), {
  index: u32,
  started_at: u64,
  ended_at: u64,
  from_version: u32,
  to_version: u32,
  state_root: h256,
  held_out_loss: u64,
  shards_covered: u32,
  receipts_root: h256,
  minted: u128,
});
export type EpochInfo = ValueOf<typeof epochInfo>;

/** Only training scores add to `cumulative_score`: other roles count in other units. All roles add to `total_paid`. */
export const contributionType = struct(path('Contribution'), {
  cumulative_score: u128,
  first_epoch: u32,
  last_epoch: u32,
  epochs: u32,
  total_paid: u128,
});
export type Contribution = ValueOf<typeof contributionType>;
