/**
 * @file Whether a signed receipt is one of those an epoch has paid (SCORE-5): its place in the tree must lead to the root
 * that the chain settled the epoch with. Checks neither signature nor losses; `openReceipt` and `verifyScore` do.
 */
import { merkleRootFrom, type ReceiptProof, receiptLeaf, type SignedReceipt } from '@alice/protocol';
import { VerifyError } from './VerifyError.js';

/** `settledRoot`: the epoch's receipts root as read from the chain. Throws `RECEIPT_NOT_IN_EPOCH`. */
export function verifyInclusion(signed: SignedReceipt, proof: ReceiptProof, settledRoot: string): void {
  const actual = merkleRootFrom(receiptLeaf(signed), proof as ReceiptProof & { path: `0x${string}`[] });
  if (actual === settledRoot) return;
  throw new VerifyError(
    { code: 'RECEIPT_NOT_IN_EPOCH', epoch: proof.epoch, expected: settledRoot, actual: actual ?? 'none' },
    `the chain settled epoch ${proof.epoch} with receipts root ${settledRoot}; this receipt leads to ${actual ?? 'none'}`,
  );
}
