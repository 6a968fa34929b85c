/** @file `ProofOfGradient.EpochArchive`: what the chain still says about epochs whose records or payouts are removed. */
import type { HashHex } from '../hash.js';
import type { Balance } from '../units.js';
import { whole } from './storageValues.js';

export interface EpochArchive {
  /** The oldest epoch whose record is kept, and the oldest whose payouts are. */
  readonly epochsFrom: number;
  readonly payoutsFrom: number;
  /** Minted by the epochs whose records are removed. */
  readonly mintedPlanck: Balance;
  /** Of everything removed, in the order of removal: blake2-256(digest before, storage key, value). */
  readonly digest: HashHex;
}

/** Throws `SCALE_INVALID`. */
export const decodeEpochArchive = whole('ProofOfGradient.EpochArchive', (reader): EpochArchive => {
  const [epochsFrom, payoutsFrom] = [reader.u32(), reader.u32()];
  reader.raw(4 + 4); // the first page kept, the number of payouts kept
  const mintedPlanck = reader.u128();
  reader.u128(); // paid to role accounts
  return { epochsFrom, payoutsFrom, mintedPlanck, digest: reader.hash() };
});

/** Of a chain that has removed nothing yet. */
export const EMPTY_ARCHIVE: EpochArchive = {
  epochsFrom: 0,
  payoutsFrom: 0,
  mintedPlanck: 0n,
  digest: `0x${'00'.repeat(32)}`,
};
