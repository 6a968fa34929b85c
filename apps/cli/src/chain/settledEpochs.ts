/** @file Every settled epoch that the chain still has and the total issuance: what a report of money is made of. */
import type { ChainClient } from '@alice/protocol';
import type { EpochReportRow } from '../up/report.js';

export async function readSettledEpochs(
  chain: ChainClient,
): Promise<{ epochs: EpochReportRow[]; totalIssuancePlanck: string }> {
  const count = await chain.currentEpoch();
  const epochs: EpochReportRow[] = [];
  for (let n = (await chain.epochArchive()).epochsFrom; n < count; n++) {
    const info = await chain.epoch(n);
    if (!info) continue;
    const payouts = await chain.payouts(n);
    epochs.push({
      epoch: n,
      elapsedMs: info.endedAtMs - info.startedAtMs,
      mintedPlanck: info.mintedPlanck.toString(),
      payouts: payouts.map((p) => ({
        address: p.address,
        role: p.role,
        score: p.scoreNanoNats.toString(),
        amountPlanck: p.amountPlanck.toString(),
      })),
    });
  }
  return { epochs, totalIssuancePlanck: (await chain.totalIssuance()).toString() };
}
