/** @file The types of Substrate's System pallet, in the shapes wallets and explorers expect. */
import { byteArray, bytes, option, vec } from '../../scale/collections.js';
import { compactU32, text, u32, u64, u128 } from '../../scale/primitives.js';
import { enumOf, struct, wrapper } from '../../scale/records.js';
import type { ScaleType, ValueOf } from '../../scale/ScaleType.js';
import { h256, weight } from '../../scale/substrateTypes.js';

/** `frozen` planck cannot be spent; `reserved` planck are not in `free`. */
export const accountData = struct('pallet_balances::types::AccountData', {
  free: u128,
  reserved: u128,
  frozen: u128,
  flags: wrapper('pallet_balances::types::ExtraFlags', u128),
});

/** An account exists while it has providers; its nonce outlives it, so that nothing it signed can be replayed. */
export const accountInfo = struct(
  'frame_system::AccountInfo',
  { nonce: u32, consumers: u32, providers: u32, sufficients: u32, data: accountData },
  { Nonce: u32, AccountData: accountData },
);
export type AccountInfo = ValueOf<typeof accountInfo>;

export const NO_ACCOUNT: AccountInfo = {
  nonce: 0,
  consumers: 0,
  providers: 0,
  sufficients: 0,
  data: { free: 0n, reserved: 0n, frozen: 0n, flags: 0n },
};

export const phase = enumOf('frame_system::Phase', {
  ApplyExtrinsic: { index: 0, of: u32 },
  Finalization: { index: 1 },
  Initialization: { index: 2 },
});

/** One entry of `System.Events`. */
export function eventRecord<E>(event: ScaleType<E>) {
  return struct('frame_system::EventRecord', { phase, event, topics: vec(h256) }, { E: event, T: h256 });
}

const digestPayload = { index: 0, fields: { engine: byteArray(4), data: bytes } };
export const digest = struct('sp_runtime::generic::digest::Digest', {
  logs: vec(
    enumOf('sp_runtime::generic::digest::DigestItem', {
      Other: { index: 0, of: bytes },
      Consensus: { ...digestPayload, index: 4 },
      Seal: { ...digestPayload, index: 5 },
      PreRuntime: { ...digestPayload, index: 6 },
      RuntimeEnvironmentUpdated: { index: 8 },
    }),
  ),
});

export const lastRuntimeUpgrade = struct('frame_system::LastRuntimeUpgradeInfo', {
  spec_version: compactU32,
  spec_name: text,
});

/** One value for each dispatch class. */
export function perDispatchClass<T>(item: ScaleType<T>) {
  return struct(
    'frame_support::dispatch::PerDispatchClass',
    { normal: item, operational: item, mandatory: item },
    { T: item },
  );
}

const weightsPerClass = struct('frame_system::limits::WeightsPerClass', {
  base_extrinsic: weight,
  max_extrinsic: option(weight),
  max_total: option(weight),
  reserved: option(weight),
});
export const blockWeights = struct('frame_system::limits::BlockWeights', {
  base_block: weight,
  max_block: weight,
  per_class: perDispatchClass(weightsPerClass),
});
export const blockLength = struct('frame_system::limits::BlockLength', { max: perDispatchClass(u32) });
export const dbWeight = struct('sp_weights::RuntimeDbWeight', { read: u64, write: u64 });
