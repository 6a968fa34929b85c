/** @file Reads an epoch from the chain and its receipts from the server, and checks that the one follows from the other. */
import type { ChainClient } from '@alice/protocol';
import { type VerifiedEpoch, VerifyError, verifyEpoch } from '@alice/server';
import type { PublishedArtefacts } from './PublishedArtefacts.js';

/** Throws `EPOCH_NOT_SETTLED`, what `verifyEpoch` throws, and what the clients throw. */
export async function verifyEpochPaid(
  epoch: number,
  { artefacts, chain }: { artefacts: PublishedArtefacts; chain: ChainClient },
): Promise<VerifiedEpoch> {
  const settled = await chain.epoch(epoch);
  if (!settled)
    throw new VerifyError(
      { code: 'EPOCH_NOT_SETTLED', submissionId: '' },
      `the chain has no epoch ${epoch}: it is still to come, or so old that only its sums are kept`,
    );
  const payouts = await chain.payouts(epoch);
  return verifyEpoch({ settled, payouts }, await artefacts.epochReceipts(epoch), artefacts.network.serverId);
}
