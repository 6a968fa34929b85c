/**
 * @file What the parameter server reports about an epoch (EPOCH-1), and its scores in the one order that the chain
 * takes: by role, then account. The order is the same for one call and for pages, so a page is a slice of it.
 */
import { compareBytes, concatBytes } from '../bytes.js';
import type { HashHex } from '../hash.js';
import { type Address, publicKeyOf } from '../keys.js';
import { ChainError } from './errors.js';
import { u128 } from './scaleWrite.js';
import { ROLES, type Role } from './storageValues.js';

/** The chain refuses more scores in one epoch, in however many pages. */
export const MAX_EPOCH_ENTRIES = 100_000;

export interface EpochScore {
  readonly address: Address;
  readonly role: Role;
  readonly scoreNanoNats: bigint;
}

/** What a report says of its epoch as a whole. */
export interface EpochHead {
  readonly epoch: number;
  readonly fromVersion: number;
  readonly toVersion: number;
  readonly stateRoot: HashHex;
  readonly heldOutLossNanoNats: bigint;
  readonly shardsCovered: number;
  readonly receiptsRoot: HashHex;
}

// SPEC EPOCH-1
export interface EpochReport extends EpochHead {
  /** In any order, each (role, address) at most once. */
  readonly scores: readonly EpochScore[];
}

export interface OrderedScore extends EpochScore {
  /** SCALE `ScoreEntry`. */
  readonly encoded: Uint8Array;
}

/** Ascending by role, then account bytes. Throws `CALL_INVALID` for more than `most`, and for one listed twice. */
export function orderedScores(scores: readonly EpochScore[], most: number): OrderedScore[] {
  if (scores.length > most) throw invalid(`${scores.length} scores, at most ${most} fit here`);
  const entries = scores.map((score) => {
    const account = publicKeyOf(score.address);
    const role = Uint8Array.of(ROLES.indexOf(score.role));
    const order = concatBytes(role, account);
    return { ...score, order, encoded: concatBytes(account, role, u128(score.scoreNanoNats)) };
  });
  entries.sort((a, b) => compareBytes(a.order, b.order));
  entries.forEach(({ order, address }, i) => {
    if (i > 0 && compareBytes(entries[i - 1]!.order, order) === 0)
      throw invalid(`${address} has two scores in one role`);
  });
  return entries;
}

function invalid(detail: string): ChainError {
  return new ChainError({ code: 'CALL_INVALID', what: 'scores', detail }, detail);
}
