/**
 * @file How long an epoch of many new accounts takes, from submission until the chain has paid all of it: in one call,
 * and in pages as the parameter server sends it. Over a running node; keys and reports are made before the clock starts.
 */
import {
  addressOf,
  ChainClient,
  type EpochReport,
  encodeCall,
  type HexString,
  type KeyPair,
  reportEpoch,
  sha256,
  utf8,
} from '@alice/protocol';

const ZERO: HexString = `0x${'00'.repeat(32)}`;
const TIMEOUT_MS = 120_000;

export interface SettlementSeconds {
  readonly oneCall: number;
  readonly pages: number;
}

/** The chain's epochs 0 and 1, each paying `miners` accounts that nobody has used. `keyPair`: the parameter server's. */
export async function measureSettlements(
  url: string,
  keyPair: KeyPair,
  miners: number,
): Promise<SettlementSeconds> {
  const client = new ChainClient({ url, pollMs: 5 });
  const first = reportOf(0, miners);
  const oneCall = await secondsOf(async () => {
    const hash = await client.signAndSubmit(keyPair, encodeCall.submitEpoch(first));
    await client.waitFor(hash, { timeoutMs: TIMEOUT_MS });
  });
  const second = reportOf(1, miners);
  const pages = await secondsOf(async () => {
    await reportEpoch(client, keyPair, { report: second, timeoutMs: TIMEOUT_MS });
    while ((await client.currentEpoch()) < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  });
  return { oneCall, pages };
}

function reportOf(epoch: number, miners: number): EpochReport {
  const scores = Array.from({ length: miners }, (_, i) => ({
    address: addressOf(sha256(utf8.encode(`miner ${epoch} ${i}`))),
    role: 'training' as const,
    scoreNanoNats: BigInt(1_000_000 + i),
  }));
  return {
    ...{ epoch, fromVersion: 0, toVersion: 1, stateRoot: ZERO, heldOutLossNanoNats: 3n },
    ...{ shardsCovered: 4, receiptsRoot: ZERO, scores },
  };
}

async function secondsOf(run: () => Promise<void>): Promise<number> {
  const startedMs = performance.now();
  await run();
  return (performance.now() - startedMs) / 1000;
}
