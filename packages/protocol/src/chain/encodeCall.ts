/**
 * @file The calls this program makes, as bytes: pallet index, call index, arguments. The indices never change on this
 * chain, so no metadata is needed to build them.
 */
import { concatBytes } from '../bytes.js';
import { type Address, publicKeyOf } from '../keys.js';
import type { Balance } from '../units.js';
import { type EpochReport, type OrderedScore, orderedScores } from './epochReport.js';
import { compact, hash256, u32, u64, vector } from './scaleWrite.js';

const BALANCES_TRANSFER_KEEP_ALIVE = Uint8Array.of(4, 3);
const BALANCES_TRANSFER_ALL = Uint8Array.of(4, 4);
const PROOF_OF_GRADIENT_SUBMIT_EPOCH = Uint8Array.of(10, 0);
const PROOF_OF_GRADIENT_BEGIN_EPOCH = Uint8Array.of(10, 1);
const PROOF_OF_GRADIENT_SUBMIT_SCORES = Uint8Array.of(10, 2);
const PROOF_OF_GRADIENT_FINISH_EPOCH = Uint8Array.of(10, 3);
const PROOF_OF_GRADIENT_ABORT_EPOCH = Uint8Array.of(10, 4);
/** The variant of `MultiAddress` that holds an account id. */
const MULTI_ADDRESS_ID = Uint8Array.of(0);
/** The chain refuses more scores in one call. */
export const MAX_EPOCH_SCORES = 10_000;

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

  /** A whole epoch in one call. */
  submitEpoch: (report: EpochReport): Uint8Array =>
    concatBytes(
      PROOF_OF_GRADIENT_SUBMIT_EPOCH,
      factsOf(report),
      vector(orderedScores(report.scores, MAX_EPOCH_SCORES).map(({ encoded }) => encoded)),
    ),

  /** Opens an epoch whose `report.scores` follow in pages. */
  beginEpoch: (report: EpochReport): Uint8Array =>
    concatBytes(PROOF_OF_GRADIENT_BEGIN_EPOCH, factsOf(report), u32(report.scores.length)),

  /** The next page of an open epoch; `scores` are a slice of all of them in the chain's order. */
  submitScores: (of: {
    readonly epoch: number;
    readonly page: number;
    readonly scores: readonly OrderedScore[];
  }): Uint8Array =>
    concatBytes(
      PROOF_OF_GRADIENT_SUBMIT_SCORES,
      u32(of.epoch),
      u32(of.page),
      vector(of.scores.map(({ encoded }) => encoded)),
    ),

  /** All pages are in: the chain fixes what the epoch pays and pays it block by block. */
  finishEpoch: (epoch: number): Uint8Array => concatBytes(PROOF_OF_GRADIENT_FINISH_EPOCH, u32(epoch)),

  /** Forgets the pages of an epoch that is not finished. */
  abortEpoch: (epoch: number): Uint8Array => concatBytes(PROOF_OF_GRADIENT_ABORT_EPOCH, u32(epoch)),
};

function factsOf(report: EpochReport): Uint8Array {
  return concatBytes(
    u32(report.epoch),
    u32(report.fromVersion),
    u32(report.toVersion),
    hash256(report.stateRoot),
    u64(report.heldOutLossNanoNats),
    u32(report.shardsCovered),
    hash256(report.receiptsRoot),
  );
}
