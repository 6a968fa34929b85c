/** @file What can go wrong between this program and a chain node, as data. */
import { CodedError } from '../errors.js';

export type ChainErrorInfo =
  | { code: 'CHAIN_UNREACHABLE'; url: string; reason: string } // no answer in time, or not a JSON-RPC server: is the node up?
  | { code: 'CHAIN_RPC_ERROR'; method: string; rpcCode: number; detail: string } // the node refused: 1010 invalid, 1014 nonce taken, …
  | { code: 'CHAIN_BAD_ANSWER'; method: string; detail: string } // an answer of the wrong shape: versions apart?
  | { code: 'SCALE_INVALID'; what: string; atByte: number } // bytes that are not the type expected there
  | { code: 'CALL_INVALID'; what: string; detail: string } // arguments a call cannot have
  | { code: 'EXTRINSIC_FAILED'; hash: string; error: string; blockHash: string } // in a block, the fee taken, the call failed
  | { code: 'EXTRINSIC_DROPPED'; hash: string; reason: string } // thrown out of the pool (Stale, Payment, …): it changed nothing
  | { code: 'EXTRINSIC_TIMEOUT'; hash: string; timeoutMs: number; lastStatus: string }; // may still be included later

export class ChainError extends CodedError<ChainErrorInfo> {
  override name = 'ChainError';
}
