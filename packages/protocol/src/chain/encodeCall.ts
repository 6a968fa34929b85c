/**
 * @file The calls this program makes, as bytes: pallet index, call index, arguments. The indices never change on this
 * chain, so no metadata is needed to build them.
 */
import { compareBytes, concatBytes } from '../bytes.js';
import type { HashHex } from '../hash.js';
import { type Address, publicKeyOf } from '../keys.js';
import type { Balance } from '../units.js';
import { ChainError } from './errors.js';
import { compact, hash256, u32, u64, u128, vector } from './scaleWrite.js';
import { ROLES, type Role } from './storageValues.js';

const BALANCES_TRANSFER_KEEP_ALIVE = Uint8Array.of(4, 3);
const BALANCES_TRANSFER_ALL = Uint8Array.of(4, 4);
const PROOF_OF_GRADIENT_SUBMIT_EPOCH = Uint8Array.of(10, 0);
/** The variant of `MultiAddress` that holds an account id. */
const MULTI_ADDRESS_ID = Uint8Array.of(0);
/** The chain refuses longer lists. */
export const MAX_EPOCH_SCORES = 10_000;

export interface EpochScore {
  readonly address: Address;
  readonly role: Role;
  readonly scoreNanoNats: bigint;
}

/** What the parameter server reports about an epoch. // SPEC EPOCH-1 */
export interface EpochReport {
  readonly epoch: number;
  readonly fromVersion: number;
  readonly toVersion: number;
  readonly stateRoot: HashHex;
  readonly heldOutLossNanoNats: bigint;
  readonly shardsCovered: number;
  readonly receiptsRoot: HashHex;
  /** In any order, each (role, address) at most once. */
  readonly scores: readonly EpochScore[];
}

export function multiAddress(address: Address): Uint8Array {
  return concatBytes(MULTI_ADDRESS_ID, publicKeyOf(address));
}

/** Encoded calls. Throws `ADDRESS_INVALID`, `CALL_INVALID`. */
export const encodeCall = {
  /** Fails on chain rather than closing the sender's account. */
  transferKeepAlive: ({ to, planck }: { readonly to: Address; readonly planck: Balance }): Uint8Array =>
    concatBytes(BALANCES_TRANSFER_KEEP_ALIVE, multiAddress(to), compact(planck)),

  /** Everything but the fee; with `keepAlive` all but the existential deposit too. */
  transferAll: ({ to, keepAlive }: { readonly to: Address; readonly keepAlive: boolean }): Uint8Array =>
    concatBytes(BALANCES_TRANSFER_ALL, multiAddress(to), Uint8Array.of(keepAlive ? 1 : 0)),

  submitEpoch: (report: EpochReport): Uint8Array =>
    concatBytes(
      PROOF_OF_GRADIENT_SUBMIT_EPOCH,
      u32(report.epoch),
      u32(report.fromVersion),
      u32(report.toVersion),
      hash256(report.stateRoot),
      u64(report.heldOutLossNanoNats),
      u32(report.shardsCovered),
      hash256(report.receiptsRoot),
      vector(orderedScores(report.scores)),
    ),
};

/** Ascending by role, then account bytes, as the chain demands. */
function orderedScores(scores: readonly EpochScore[]): Uint8Array[] {
  if (scores.length > MAX_EPOCH_SCORES)
    throw invalid('scores', `${scores.length} scores, at most ${MAX_EPOCH_SCORES} fit one epoch`);
  const entries = scores.map(({ address, role, scoreNanoNats }) => {
    const account = publicKeyOf(address);
    const roleIndex = Uint8Array.of(ROLES.indexOf(role));
    return {
      order: concatBytes(roleIndex, account),
      bytes: concatBytes(account, roleIndex, u128(scoreNanoNats)),
      address,
    };
  });
  entries.sort((a, b) => compareBytes(a.order, b.order));
  entries.forEach(({ order, address }, i) => {
    if (i > 0 && compareBytes(entries[i - 1]!.order, order) === 0)
      throw invalid('scores', `${address} has two scores in one role`);
  });
  return entries.map(({ bytes }) => bytes);
}

function invalid(what: string, detail: string): ChainError {
  return new ChainError({ code: 'CALL_INVALID', what, detail }, detail);
}
