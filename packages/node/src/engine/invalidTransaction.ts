/**
 * @file How a refused transaction is told to clients: Substrate's number 1010 and, per reason, the sentence that
 * wallets know and show.
 */
import type { InvalidReason } from '@alice/runtime';
import { type NodeError, RPC_CODE, rpcError } from '../errors.js';

const SENTENCE: Readonly<Record<InvalidReason, string>> = {
  Call: 'Transaction call is not expected',
  Payment: 'Inability to pay some fees (e.g. account balance too low)',
  Future: 'Transaction will be valid in the future',
  Stale: 'Transaction is outdated',
  BadProof: 'Transaction has a bad signature',
  AncientBirthBlock: 'Transaction has an ancient birth block',
  ExhaustsResources: 'Transaction would exhaust the block limits',
  BadSigner: 'Invalid signing address',
  BadMandatory: 'A call was labelled as mandatory, but resulted in an Error.',
};

/** The error that `author_submitExtrinsic` answers for an invalid transaction. */
export function invalidTransaction(reason: InvalidReason): NodeError {
  return rpcError(RPC_CODE.invalidTransaction, 'Invalid Transaction', SENTENCE[reason]);
}
