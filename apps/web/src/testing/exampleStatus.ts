/** @file A small network's status with figures that can be checked by hand; for tests only. */
import type { NetworkStatus } from '@alice/protocol';

const ALICE = 1_000_000_000_000n;
const START_MS = 1_790_000_000_000;

export function exampleStatus(changes: Partial<NetworkStatus> = {}): NetworkStatus {
  const versions = [8.4, 7.9, 6.2].map((heldOutLossNats, version) => ({
    version,
    createdAtMs: START_MS + version * 60_000,
    heldOutLossNats,
    standardErrorNats: 0.1,
    trainedTokens: version * 32_768,
    uplinkBytes: version * 500_000,
    acceptedSubmissions: version * 2,
    stateRoot: `0x${String(version).repeat(64)}`,
  }));
  const epochs = [0, 1].map((epoch) => ({
    epoch,
    startedAtMs: START_MS + epoch * 60_000,
    endedAtMs: START_MS + (epoch + 1) * 60_000,
    mintedPlanck: String(10n * ALICE),
    fromVersion: epoch,
    toVersion: epoch + 1,
    payouts: [
      { address: 'a2minerOne', role: 'training', score: '500000000', amountPlanck: String(9n * ALICE + 1n) },
      { address: 'a2server', role: 'infrastructure', score: '1', amountPlanck: String(ALICE - 1n) },
    ],
  }));
  return {
    serverTimeMs: START_MS + 180_000,
    startedAtMs: START_MS,
    networkId: `0x${'ab'.repeat(32)}`,
    serverId: 'a2server',
    model: { name: 'nano', parameters: 1_836_160, vocab: 4096, tokenizer: 'gpt2-4096' },
    uniformLossNats: Math.log(4096),
    versions,
    submissions: { accepted: 4, queued: 1, refused: { NOISE: 2 } },
    refusedRequests: {},
    rounds: { applied: 2, rolledBack: 1 },
    miners: [],
    epochs,
    balances: [],
    totalIssuancePlanck: String(25n * ALICE),
    genesisIssuancePlanck: String(5n * ALICE),
    chain: { height: 40, reachable: true },
    alarms: [],
    ...changes,
  };
}
