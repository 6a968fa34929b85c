/** @file The chain as the parameter server sees it: the protocol's client with the server's key behind the port. */
import { ChainClient, ChainError, type KeyPair, reportEpoch } from '@alice/protocol';
import type { ChainPort } from '@alice/server';

/** Two blocks' worth and some: after this the submitter looks at the chain again and resends if need be. */
const SUBMIT_TIMEOUT_MS = 30_000;

export function createChainPort(url: string, serverKey: KeyPair): ChainPort {
  const client = new ChainClient({ url, pollMs: 300 });
  return {
    genesisHash: () => client.genesisHash(),
    status: async () => {
      const { number, hash } = await client.head();
      const [totalIssuancePlanck, currentEpoch] = await Promise.all([
        client.totalIssuance({ at: hash }),
        client.currentEpoch({ at: hash }),
      ]);
      return { height: number, totalIssuancePlanck, currentEpoch };
    },
    submitEpoch: (report) => reportEpoch(client, serverKey, { report, timeoutMs: SUBMIT_TIMEOUT_MS }),
    epoch: (epoch) => client.epoch(epoch),
    payouts: (epoch) => client.payouts(epoch),
    mintedByForgottenEpochs: async () => (await client.epochArchive()).mintedPlanck,
    balance: async (address) => (await client.account(address)).freePlanck,
  };
}

/** Waits for the chain to answer, so that a server may be started before its node. */
export async function waitForChain(url: string, signal: AbortSignal): Promise<void> {
  const client = new ChainClient({ url });
  for (let attempt = 0; !signal.aborted; attempt++) {
    try {
      await client.genesisHash();
      return;
    } catch (error) {
      if (!(error instanceof ChainError) || error.info.code !== 'CHAIN_UNREACHABLE' || attempt >= 120)
        throw error;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}
