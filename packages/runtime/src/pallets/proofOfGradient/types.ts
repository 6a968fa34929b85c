/** @file The types of the ProofOfGradient pallet: reports, epochs, payouts and what each account has contributed. */
import { option, tuple } from '../../scale/collections.js';
import { u16, u32, u64, u128 } from '../../scale/primitives.js';
import { plainEnum, struct } from '../../scale/records.js';
import type { ValueOf } from '../../scale/ScaleType.js';
import { accountId, h256, ZERO_HASH } from '../../scale/substrateTypes.js';

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

/** Part of what a role earns, in ten-thousandths, that goes to an account such as a treasury. */
export const roleAccount = struct(path('RoleAccount'), { account: accountId, share: u16 });
export const rolePayment = struct(path('RolePayment'), { role: roleType, account: accountId, amount: u128 });

const perRole = struct(path('PerRole'), { training: u128, scoring: u128, infrastructure: u128 });

/** An epoch that is reported in pages: collecting them, then paying them. */
export const openEpoch = struct(path('OpenEpoch'), {
  index: u32,
  from_version: u32,
  to_version: u32,
  state_root: h256,
  held_out_loss: u64,
  shards_covered: u32,
  receipts_root: h256,
  /** How many entries the report says it has. */
  entries: u32,
  pages: u32,
  received: u32,
  /** The last entry received: the next must come after it. */
  last: option(tuple(roleType, accountId)),
  /** Sums of the scores received. */
  totals: perRole,
  /** Set when the report is complete and is being paid. */
  paying: option(
    struct(path('Paying'), {
      started_at: u64,
      ended_at: u64,
      parts: perRole,
      /** Sums of the scores already paid for. */
      paid: perRole,
      next_page: u32,
      payouts: u32,
      minted: u128,
    }),
  ),
});
export type OpenEpoch = ValueOf<typeof openEpoch>;
export type PerRole = ValueOf<typeof perRole>;

/** The field of a role in `PerRole` and `RoleShares`. */
export const FIELD_OF = {
  Training: 'training',
  Scoring: 'scoring',
  Infrastructure: 'infrastructure',
} as const;

/** Only training scores add to `cumulative_score`: other roles count in other units. All roles add to `total_paid`. */
export const contributionType = struct(path('Contribution'), {
  cumulative_score: u128,
  first_epoch: u32,
  last_epoch: u32,
  epochs: u32,
  total_paid: u128,
});
export type Contribution = ValueOf<typeof contributionType>;

/** Old epochs as far as they are removed from the state; `entries` counts the payouts that are still in it. */
export const epochArchiveType = struct(path('EpochArchive'), {
  /** The oldest epoch whose record is kept. */
  epochs_from: u32,
  /** The oldest epoch whose payouts are kept, from this page on. */
  payouts_from: u32,
  pages_from: u32,
  entries: u32,
  /** Minted by the epochs whose records are removed. */
  minted: u128,
  /** Paid to role accounts by the epochs whose payouts are removed. */
  shared: u128,
  /** Of all removed entries: blake2-256(digest before, storage key, value), in the order of removal. */
  digest: h256,
});
export type EpochArchive = ValueOf<typeof epochArchiveType>;

export const EMPTY_ARCHIVE: EpochArchive = {
  epochs_from: 0,
  payouts_from: 0,
  pages_from: 0,
  entries: 0,
  minted: 0n,
  shared: 0n,
  digest: ZERO_HASH,
};
