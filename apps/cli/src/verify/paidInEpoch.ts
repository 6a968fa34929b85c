/** @file Which epoch has paid a receipt, checked against the chain: the server only says where to look. */
import type { ChainClient, SignedReceipt } from '@alice/protocol';
import { VerifyError, verifyInclusion } from '@alice/server';
import type { PublishedArtefacts } from './PublishedArtefacts.js';

/** Throws `EPOCH_NOT_SETTLED`, `RECEIPT_NOT_IN_EPOCH`, and what the clients throw. */
export async function paidInEpoch(
  signed: SignedReceipt,
  { artefacts, chain }: { artefacts: PublishedArtefacts; chain: ChainClient },
): Promise<number> {
  const { address, submissionId } = signed.receipt;
  const epoch = await artefacts.epochOf(address, submissionId);
  const settled = epoch === undefined ? undefined : await chain.epoch(epoch);
  if (epoch === undefined || settled === undefined)
    throw new VerifyError(
      { code: 'EPOCH_NOT_SETTLED', submissionId },
      'no settled epoch pays this submission: it was refused, has a score of 0, or its epoch is still to come',
    );
  verifyInclusion(signed, await artefacts.receiptProof(epoch, submissionId), settled.receiptsRoot);
  return epoch;
}
