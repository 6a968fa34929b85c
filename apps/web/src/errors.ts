/** @file What can go wrong in the page, as data. Messages say what to do next; none ever holds a phrase or a password. */
import { CodedError } from '@alice/protocol';

export type WebErrorInfo =
  | { code: 'CHAIN_UNREACHABLE'; url: string } // the node's WebSocket does not open or went away
  | { code: 'CHAIN_RPC_ERROR'; method: string; rpcCode: number; detail: string } // the node refused the request
  | { code: 'CHAIN_OTHER_NETWORK'; expected: string; found: string } // a node of another chain
  | { code: 'SCALE_INVALID'; what: string; atByte: number } // bytes that do not fit the chain's own description
  | { code: 'METADATA_UNSUPPORTED'; version: number } // the chain describes itself in a form this page cannot read
  | { code: 'ADDRESS_INVALID'; address: string } // a typing error or another network's address
  | { code: 'CONTEXT_INSECURE' } // plain http to another computer: the browser allows neither keys nor workers' tools
  | { code: 'WALLET_INPUT'; field: string } // something the person typed cannot be used
  | { code: 'WALLET_STORE'; detail: string } // the browser will not keep the wallet
  | { code: 'EXTENSION_REFUSED'; detail: string } // the wallet extension did not sign
  | { code: 'SERVER_REFUSED'; status: number } // the parameter server does not have it, or not now
  | { code: 'INFERENCE_REFUSED'; status: number } // the inference endpoint is busy, away, or did not like the request
  | { code: 'TRANSFER_FAILED'; detail: string }; // the chain took the transaction, but the call failed

export class WebError extends CodedError<WebErrorInfo> {
  override name = 'WebError';
}
