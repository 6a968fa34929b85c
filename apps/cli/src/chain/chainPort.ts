/** @file The chain as the parameter server sees it: the protocol's client with the server's key behind the port. */
import { ChainClient, ChainError, type KeyPair } from '@alice/protocol';
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
    submitEpoch: async ({ scores, ...report }) => {
      const entries = scores.map(({ account, role, score }) => ({
        address: account,
        role,
        scoreNanoNats: score,
      }));
      const hash = await client.submitEpoch(serverKey, { ...report, scores: entries });
      await client.waitFor(hash, { timeoutMs: SUBMIT_TIMEOUT_MS });
    },
    epoch: async (epoch) => {
      const info = await client.epoch(epoch);
      return info === undefined ? undefined : { ...info, epoch: info.index };
    },
    payouts: async (epoch) => {
      const payouts = await client.payouts(epoch);
      return payouts.map(({ address, scoreNanoNats, ...payout }) => ({
        ...payout,
        account: address,
        score: scoreNanoNats,
      }));
    },
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
