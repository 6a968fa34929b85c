/**
 * @file How much one block and one extrinsic may take. Time is in picoseconds of a slow reference machine; what an
 * extrinsic costs is dominated by checking its signature.
 */
import type { DispatchClass } from '../../scale/substrateTypes.js';

/** Hashes of this many blocks stay in the state; a mortal transaction cannot outlive them. */
export const BLOCK_HASH_COUNT = 2_400;
/** Execution time of a block: two seconds. */
export const MAX_BLOCK_REF_TIME = 2_000_000_000_000n;
/** Charged to every extrinsic on top of its call: decoding, signature, fee. */
export const BASE_EXTRINSIC_REF_TIME = 400_000_000n;
export const MAX_BLOCK_BYTES = 5 * 1024 * 1024;
/** The largest epoch report takes half of this. */
export const MAX_EXTRINSIC_BYTES = 1024 * 1024;
/** Ordinary calls may fill three quarters of a block; the rest is kept for epoch reports. */
const NORMAL_SHARE = { numerator: 3, denominator: 4 } as const;

/** The most execution time that a class may use in a block. */
export function maxRefTime(dispatchClass: DispatchClass): bigint {
  if (dispatchClass !== 'Normal') return MAX_BLOCK_REF_TIME;
  return (MAX_BLOCK_REF_TIME * BigInt(NORMAL_SHARE.numerator)) / BigInt(NORMAL_SHARE.denominator);
}

/** The most bytes of extrinsics that a class may use in a block. */
export function maxBytes(dispatchClass: DispatchClass): number {
  if (dispatchClass !== 'Normal') return MAX_BLOCK_BYTES;
  return (MAX_BLOCK_BYTES * NORMAL_SHARE.numerator) / NORMAL_SHARE.denominator;
}
