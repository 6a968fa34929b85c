/** @file The types of the Session pallet: keys and the set of validators that CometBFT runs with. */
import { byteArray, option } from '../../scale/collections.js';
import { u32, u64 } from '../../scale/primitives.js';
import { struct } from '../../scale/records.js';
import type { ValueOf } from '../../scale/ScaleType.js';
import { accountId } from '../../scale/substrateTypes.js';

/** A consensus address: the first 20 bytes of SHA-256 of an ed25519 key. */
export const consensusAddressType = byteArray(20);

/** Keys that act for a bonded account while its own key stays away from servers. */
export const sessionKeys = struct('alice_runtime::SessionKeys', {
  /** ed25519: signs the votes of CometBFT. */
  validator: option(byteArray(32)),
  /** sr25519: signs what a parameter server publishes. */
  parameter_server: option(byteArray(32)),
});
export type SessionKeys = ValueOf<typeof sessionKeys>;

export const activeValidator = struct('pallet_session::ActiveValidator', {
  account: accountId,
  key: byteArray(32),
  power: u64,
});
export type ActiveValidator = ValueOf<typeof activeValidator>;

export const validatorUpdate = struct('pallet_session::ValidatorUpdate', { key: byteArray(32), power: u64 });

/** A key that was replaced; offences signed with it are still its account's until `until` (milliseconds). */
export const retiredKey = struct('pallet_session::RetiredKey', { address: consensusAddressType, until: u64 });

export const missedVotes = struct('pallet_session::MissedVotes', { account: accountId, count: u32 });
export type MissedVotes = ValueOf<typeof missedVotes>;
