/**
 * @file What a signature covers besides the call: `extra` travels in the transaction, `additional` is known to both
 * sides and only signed, so that a transaction for another chain, version or fork has a wrong signature.
 * Names, order and shapes are Substrate's; wallets look them up by name.
 */
import { byteArray, option } from '../scale/collections.js';
import { compactU32, compactU128, u32, unit } from '../scale/primitives.js';
import { plainEnum, struct, wrapper } from '../scale/records.js';
import type { ValueOf } from '../scale/ScaleType.js';
import { h256 } from '../scale/substrateTypes.js';
import { eraType } from './era.js';

const metadataHashMode = plainEnum('frame_metadata_hash_extension::Mode', ['Disabled', 'Enabled']);

/** In signing order. */
export const signedExtensions = {
  CheckNonZeroSender: { extra: unit, additional: unit },
  CheckSpecVersion: { extra: unit, additional: u32 },
  CheckTxVersion: { extra: unit, additional: u32 },
  CheckGenesis: { extra: unit, additional: h256 },
  CheckMortality: {
    extra: wrapper('frame_system::extensions::check_mortality::CheckMortality', eraType),
    additional: h256,
  },
  CheckNonce: {
    extra: wrapper('frame_system::extensions::check_nonce::CheckNonce', compactU32),
    additional: unit,
  },
  CheckWeight: { extra: unit, additional: unit },
  ChargeTransactionPayment: {
    extra: wrapper('pallet_transaction_payment::ChargeTransactionPayment', compactU128),
    additional: unit,
  },
  CheckMetadataHash: {
    extra: struct('frame_metadata_hash_extension::CheckMetadataHash', { mode: metadataHashMode }),
    additional: option(byteArray(32)),
  },
} as const;

type Extensions = typeof signedExtensions;
type Side<S extends 'extra' | 'additional'> = { readonly [K in keyof Extensions]: Extensions[K][S] };

function side<S extends 'extra' | 'additional'>(which: S): Side<S> {
  const entries = Object.entries(signedExtensions).map(([name, extension]) => [name, extension[which]]);
  return Object.fromEntries(entries) as Side<S>;
}

/** Codecs of all extras and of everything additional, in order; never described as types of their own. */
export const extraType = struct('Extra', side('extra'));
export const additionalType = struct('Additional', side('additional'));
export type Extra = ValueOf<typeof extraType>;
export type Additional = ValueOf<typeof additionalType>;
