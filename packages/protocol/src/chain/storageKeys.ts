/**
 * @file Where the chain keeps what clients read: Substrate storage keys, Twox128(pallet) ++ Twox128(item), then the
 * hashed map key with the key itself appended. Call `await initCrypto()` once before.
 */
import { blake2b, twox } from '@polkadot/wasm-crypto';
import { concatBytes, utf8 } from '../bytes.js';
import { type Address, publicKeyOf } from '../keys.js';
import { u32 } from './scaleWrite.js';

const NO_KEY = new Uint8Array();

export const twox128 = (bytes: Uint8Array): Uint8Array => twox(bytes, 2);
export const twox64Concat = (bytes: Uint8Array): Uint8Array => concatBytes(twox(bytes, 1), bytes);
export const blake2_128Concat = (bytes: Uint8Array): Uint8Array =>
  concatBytes(blake2b(bytes, NO_KEY, 16), bytes);

/** Key of a plain storage item, and prefix of a map's keys. */
export function storagePrefix(pallet: string, item: string): Uint8Array {
  return concatBytes(twox128(utf8.encode(pallet)), twox128(utf8.encode(item)));
}

const byEpoch = (item: string) => (epoch: number) =>
  concatBytes(storagePrefix('ProofOfGradient', item), twox64Concat(u32(epoch)));
const byAccount = (pallet: string, item: string) => (address: Address) =>
  concatBytes(storagePrefix(pallet, item), blake2_128Concat(publicKeyOf(address)));

/** The storage items this client reads. Addresses throw `ADDRESS_INVALID`. */
export const storageKeys = {
  account: byAccount('System', 'Account'),
  totalIssuance: () => storagePrefix('Balances', 'TotalIssuance'),
  currentEpoch: () => storagePrefix('ProofOfGradient', 'CurrentEpoch'),
  epoch: byEpoch('Epochs'),
  /** Of an epoch reported in one call. */
  payouts: byEpoch('Payouts'),
  /** Of an epoch reported in pages: their number, and one of them. */
  epochPages: byEpoch('EpochPages'),
  payoutPage: (epoch: number, page: number) =>
    concatBytes(
      storagePrefix('ProofOfGradient', 'PayoutPages'),
      twox64Concat(concatBytes(u32(epoch), u32(page))),
    ),
  epochArchive: () => storagePrefix('ProofOfGradient', 'EpochArchive'),
  openEpoch: () => storagePrefix('ProofOfGradient', 'OpenEpoch'),
  contribution: byAccount('ProofOfGradient', 'Contributions'),
};
