/**
 * @file The types Substrate's clients know by path: accounts, hashes, addresses, signatures, weights, errors.
 * The PATHS are part of the interface (CHAIN-4): clients choose their own codec for them by name.
 */
import { fromHex, type HexString, toHex } from '@alice/protocol';
import { byteArray, bytes } from './collections.js';
import { compactU64, compactUnit, u8 } from './primitives.js';
import { enumOf, plainEnum, struct, wrapper } from './records.js';
import type { ScaleType } from './ScaleType.js';

/** A 32-byte sr25519 public key. */
export type AccountId = Uint8Array;

const bytes32 = byteArray(32);

export const accountId: ScaleType<AccountId> = wrapper('sp_core::crypto::AccountId32', bytes32, 'AccountId');

const hashBytes = wrapper('primitive_types::H256', bytes32, 'Hash');
/** A 32-byte hash, as hex so that it can be compared with `===`. */
export const h256: ScaleType<HexString> = {
  ...hashBytes,
  write: (out, value) => bytes32.write(out, fromHex(value)),
  read: (from) => toHex(bytes32.read(from)),
};

export const ZERO_HASH: HexString = `0x${'00'.repeat(32)}`;

export const multiAddress = enumOf(
  'sp_runtime::multiaddress::MultiAddress',
  {
    Id: { index: 0, of: accountId },
    Index: { index: 1, of: compactUnit },
    Raw: { index: 2, of: bytes },
    Address32: { index: 3, of: bytes32 },
    Address20: { index: 4, of: byteArray(20) },
  },
  { AccountId: accountId, AccountIndex: compactUnit },
);

export const multiSignature = enumOf('sp_runtime::MultiSignature', {
  Ed25519: { index: 0, of: byteArray(64) },
  Sr25519: { index: 1, of: byteArray(64) },
  Ecdsa: { index: 2, of: byteArray(65) },
});

export const weight = struct('sp_weights::weight_v2::Weight', {
  ref_time: compactU64,
  proof_size: compactU64,
});

export const dispatchClass = plainEnum('frame_support::dispatch::DispatchClass', [
  'Normal',
  'Operational',
  'Mandatory',
]);
export type DispatchClass = 'Normal' | 'Operational' | 'Mandatory';

export const pays = plainEnum('frame_support::dispatch::Pays', ['Yes', 'No']);

export const dispatchInfo = struct('frame_support::dispatch::DispatchInfo', {
  weight,
  class: dispatchClass,
  pays_fee: pays,
});

export const moduleError = struct('sp_runtime::ModuleError', { index: u8, error: byteArray(4) });

const tokenError = plainEnum('sp_runtime::TokenError', [
  'FundsUnavailable',
  'OnlyProvider',
  'BelowMinimum',
  'CannotCreate',
  'UnknownAsset',
  'Frozen',
  'Unsupported',
  'CannotCreateHold',
  'NotExpendable',
  'Blocked',
]);
const arithmeticError = plainEnum('sp_arithmetic::ArithmeticError', [
  'Underflow',
  'Overflow',
  'DivisionByZero',
]);
const transactionalError = plainEnum('sp_runtime::TransactionalError', ['LimitReached', 'NoLayer']);

export const dispatchErrorType = enumOf('sp_runtime::DispatchError', {
  Other: { index: 0 },
  CannotLookup: { index: 1 },
  BadOrigin: { index: 2 },
  Module: { index: 3, of: moduleError },
  ConsumerRemaining: { index: 4 },
  NoProviders: { index: 5 },
  TooManyConsumers: { index: 6 },
  Token: { index: 7, of: tokenError },
  Arithmetic: { index: 8, of: arithmeticError },
  Transactional: { index: 9, of: transactionalError },
  Exhausted: { index: 10 },
  Corruption: { index: 11 },
  Unavailable: { index: 12 },
  RootNotAllowed: { index: 13 },
});
