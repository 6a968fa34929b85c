/** @file Downloads what the pay of a version follows from, receipts and submissions, and computes it again. */
import { decodeAnySubmission, type VersionFold } from '@alice/protocol';
import { type FoldedWork, openReceipt, type VerifiedPay, verifyPay } from '@alice/server';
import type { PublishedArtefacts } from './PublishedArtefacts.js';

/** Throws what `verifyPay`, `openReceipt` and the clients throw. */
export async function verifyRoundPay(
  fold: VersionFold,
  artefacts: PublishedArtefacts,
  onDone: (submissions: number) => void,
): Promise<VerifiedPay> {
  const { layout, network } = artefacts;
  const limits = { layout, maxEntries: layout.size, maxInflatedBytes: 8 * layout.size + 65_536 };
  const work: FoldedWork[] = [];
  for (const { submissionId } of fold.submissions) {
    const receipt = openReceipt(await artefacts.receipt(submissionId), network.serverId);
    const { delta } = await decodeAnySubmission(await artefacts.blob(submissionId), limits);
    work.push({ receipt, delta });
    onDone(work.length);
  }
  return verifyPay(fold, work);
}
