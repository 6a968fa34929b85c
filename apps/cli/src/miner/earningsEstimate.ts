/**
 * @file What a miner may expect to earn, from its own speed and the last versions and settlements of the network. Pure; a
 * guess that supposes the network stays as it is and the miner's tokens help as much as those of others.
 */
import type { NetworkStatus } from '@alice/protocol';

export interface EarningsEstimate {
  readonly ownTokensPerSecond: number;
  /** Of all accepted work lately; 0 when nothing was published yet. */
  readonly networkTokensPerSecond: number;
  /** Of the training rewards, 0 to 1, with this miner added. */
  readonly share: number;
  /** `undefined` while no epoch has been settled. */
  readonly planckPerHour: bigint | undefined;
}

const VERSIONS_LOOKED_AT = 10;
const EPOCHS_LOOKED_AT = 5;

export function estimateEarnings(
  status: Pick<NetworkStatus, 'versions' | 'epochs'>,
  ownTokensPerSecond: number,
): EarningsEstimate {
  const networkTokensPerSecond = networkSpeed(status);
  const all = ownTokensPerSecond + networkTokensPerSecond;
  const share = all > 0 ? ownTokensPerSecond / all : 0;
  const planckPerSecond = trainingPlanckPerSecond(status);
  return {
    ...{ ownTokensPerSecond, networkTokensPerSecond, share },
    planckPerHour:
      planckPerSecond === undefined ? undefined : BigInt(Math.round(share * planckPerSecond * 3600)),
  };
}

function networkSpeed({ versions }: Pick<NetworkStatus, 'versions'>): number {
  const recent = versions.slice(-VERSIONS_LOOKED_AT);
  const [first, last] = [recent[0], recent.at(-1)];
  if (!first || !last || last.createdAtMs <= first.createdAtMs) return 0;
  return (1000 * (last.trainedTokens - first.trainedTokens)) / (last.createdAtMs - first.createdAtMs);
}

function trainingPlanckPerSecond({ epochs }: Pick<NetworkStatus, 'epochs'>): number | undefined {
  const recent = epochs.slice(-EPOCHS_LOOKED_AT);
  const elapsedMs = recent.reduce((sum, { startedAtMs, endedAtMs }) => sum + endedAtMs - startedAtMs, 0);
  if (elapsedMs <= 0) return undefined;
  const paid = recent
    .flatMap(({ payouts }) => payouts)
    .filter(({ role }) => role.toLowerCase() === 'training')
    .reduce((sum, { amountPlanck }) => sum + Number(amountPlanck), 0);
  return (1000 * paid) / elapsedMs;
}
