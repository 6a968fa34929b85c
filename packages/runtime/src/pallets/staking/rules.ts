/**
 * @file The rules of staking that root may change, with their limits. What must never change (cap, halving) is not
 * here. Limits keep every rule harmless: a slash is never deferred past unbonding, a session is never endless.
 */
import { PLANCK_PER_ALICE } from '@alice/protocol';
import { u16, u32, u64, u128 } from '../../scale/primitives.js';
import { struct } from '../../scale/records.js';
import type { ValueOf } from '../../scale/ScaleType.js';

export const stakingRulesType = struct('pallet_staking::StakingRules', {
  /** Active bond, in planck, that a validator needs. */
  minimum_validator_stake: u128,
  /** Active bond, in planck, that a parameter server needs. */
  minimum_parameter_server_stake: u128,
  /** How long unbonded funds stay and can still be slashed. Must outlast the age of evidence that consensus accepts. */
  unbonding_ms: u64,
  /** Time between the report of an offence and its slash, in which root may cancel it. */
  slash_defer_ms: u64,
  session_blocks: u32,
  max_validators: u32,
  /** With fewer candidates than this the validator set stays as it is. */
  minimum_validators: u32,
  /** What a reporter gets of a slash, in ten-thousandths. */
  reporter_share: u16,
  /** Share of a session's blocks, in ten-thousandths, that a validator may miss. */
  downtime_limit: u16,
  /** What a validator that missed more loses of its bond, in billionths. */
  downtime_slash: u32,
});
export type StakingRules = ValueOf<typeof stakingRulesType>;

const DAY_MS = 86_400_000n;
/** The most validators a set may have: every one signs every block. */
export const MAX_VALIDATORS = 100;
export const PER_BILLION = 1_000_000_000n;
export const TEN_THOUSAND = 10_000n;

export const INITIAL_RULES: StakingRules = {
  minimum_validator_stake: 1_000n * PLANCK_PER_ALICE,
  minimum_parameter_server_stake: 10_000n * PLANCK_PER_ALICE,
  unbonding_ms: 7n * DAY_MS,
  slash_defer_ms: DAY_MS,
  session_blocks: 600,
  max_validators: MAX_VALIDATORS,
  minimum_validators: 4,
  reporter_share: 1_000,
  downtime_limit: 5_000,
  downtime_slash: 1_000_000,
};

/** Whether these rules are within the limits. */
export function rulesAreSound(rules: StakingRules): boolean {
  return (
    rules.minimum_validator_stake >= PLANCK_PER_ALICE &&
    rules.minimum_parameter_server_stake >= PLANCK_PER_ALICE &&
    rules.unbonding_ms <= 365n * DAY_MS &&
    rules.slash_defer_ms <= rules.unbonding_ms &&
    rules.session_blocks >= 1 &&
    rules.session_blocks <= 1_000_000 &&
    rules.max_validators >= 1 &&
    rules.max_validators <= MAX_VALIDATORS &&
    rules.minimum_validators >= 1 &&
    rules.minimum_validators <= rules.max_validators &&
    rules.reporter_share <= 5_000 &&
    BigInt(rules.downtime_limit) <= TEN_THOUSAND &&
    BigInt(rules.downtime_slash) <= PER_BILLION
  );
}
