/**
 * @file Everything that can go wrong in the node, as data. Callers switch on `error.info.code`. `RPC_REFUSED` carries
 * the numeric code that Substrate clients know; the RPC layer alone turns it into a JSON-RPC error object.
 */
import { CodedError, type HexString } from '@alice/protocol';

export type NodeErrorInfo =
  | { code: 'PORT_BUSY'; port: number; host: string } // choose another port or stop the other process
  | { code: 'NODE_DIR_LOCKED'; dir: string; pid: number } // a running node owns the directory
  | { code: 'GENESIS_MISMATCH'; dir: string; stored: HexString } // the directory holds another chain
  | { code: 'CHAIN_SPEC_INVALID'; field: string } // fix the named field of the chain specification
  | { code: 'STATE_CORRUPT'; blockNumber: number; expected: HexString; actual: HexString } // restore or resync
  | { code: 'STORE_CORRUPT'; dir: string } // the database file is cut off or damaged: restore or resync
  | { code: 'BLOCK_CORRUPT'; blockNumber: number } // its record on disk is not what its hash names
  | { code: 'STORE_FORMAT'; dir: string; found: number; expected: number } // written by another release
  | { code: 'BLOCK_OUT_OF_ORDER'; got: number; expected: number } // only the child of the head can be appended
  | { code: 'BLOCK_UNKNOWN'; block: string } // no such block in this chain
  | { code: 'STATE_DISCARDED'; blockNumber: number; oldest: number } // older than the kept history
  | { code: 'COMET_GENESIS'; chainId: string; expected: string } // CometBFT was set up for another chain
  | { code: 'COMET_FAILED'; reason: string } // the cometbft program could not be run
  | { code: 'SNAPSHOT_INVALID'; reason: string } // damaged, cut short or made up; take another one
  | { code: 'SNAPSHOT_FOREIGN'; genesis: HexString; expected: HexString } // it belongs to another chain
  | { code: 'SNAPSHOT_UNEXPECTED'; got: HexString; expected: HexString } // not the block that was asked for
  | { code: 'CHAIN_NOT_EMPTY'; blockNumber: number } // a snapshot can only start a new directory
  | { code: 'RPC_FAILED'; url: string; reason: string } // another node did not answer
  | { code: 'RPC_REFUSED'; rpcCode: number; data?: string }; // an answer for a JSON-RPC client

export class NodeError extends CodedError<NodeErrorInfo> {
  override name = 'NodeError';
}

/** JSON-RPC, jsonrpsee and Substrate error numbers, one name each. */
export const RPC_CODE = {
  parse: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internal: -32603,
  tooManySubscriptions: -32006,
  oversizedRequest: -32007,
  oversizedBatch: -32010,
  limitExceeded: -32005,
  invalidTransaction: 1010,
  temporarilyBanned: 1012,
  alreadyImported: 1013,
  tooLowPriority: 1014,
  immediatelyDropped: 1016,
  stateError: 4003,
} as const;

/** An error that reaches the client as `{code, message, data}`. */
export function rpcError(rpcCode: number, message: string, data?: string): NodeError {
  return new NodeError(
    data === undefined ? { code: 'RPC_REFUSED', rpcCode } : { code: 'RPC_REFUSED', rpcCode, data },
    message,
  );
}
