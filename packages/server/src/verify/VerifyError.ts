/** @file What verification refuses, and why: each code is one way in which a server's word does not hold. */
import { CodedError } from '@alice/protocol';

export type VerifyErrorInfo =
  | { code: 'RECEIPT_MALFORMED'; reason: string } // not a receipt at all
  | { code: 'RECEIPT_SIGNATURE_INVALID'; serverId: string } // changed after it was signed, or never signed
  | { code: 'RECEIPT_SERVER_WRONG'; expected: string; actual: string } // signed by another server
  | { code: 'RECEIPT_BATCH_WRONG'; batchId: string } // the seed is not the one that named the rows
  | { code: 'RECEIPT_DATA_WRONG'; expected: string; actual: string } // the dataset at hand is another one
  | { code: 'RECEIPT_BLOB_WRONG'; expected: string; actual: string } // other bytes than those that were scored
  | { code: 'RECEIPT_WEIGHTS_WRONG'; version: number; expected: string; actual: string }
  | { code: 'SCORE_DIFFERS'; what: string; stated: number | null; measured: number; tolerance: number }
  | { code: 'EPOCH_NOT_SETTLED'; submissionId: string } // nothing on the chain pays it, or not yet
  | { code: 'RECEIPT_NOT_IN_EPOCH'; epoch: number; expected: string; actual: string } // not what the chain settled
  | { code: 'EPOCH_RECEIPTS_DIFFER'; epoch: number; expected: string; actual: string } // one left out, added, or changed
  | { code: 'PAY_NOT_STATED'; version: number } // made by a server that did not publish rules and rates of pay
  | { code: 'PAY_DIFFERS'; what: string; stated: string; computed: string } // another score, weight or amount
  | { code: 'ROOT_DIFFERS'; version: number; expected: string; actual: string };

export class VerifyError extends CodedError<VerifyErrorInfo> {
  override name = 'VerifyError';
}
