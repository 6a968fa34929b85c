/**
 * @file The emission rule as the chain has it (CHAIN-1): 10.5 million ALICE in the first two years, half as much in each
 * two years after, never more than 21 million. Here only to draw it; what was really issued comes from the chain.
 */
import { MAX_SUPPLY_PLANCK, type NetworkStatus, PLANCK_PER_ALICE } from '@alice/protocol';

export const HALVING_PERIOD_MS = 63_072_000_000;
const FIRST_PERIOD_PLANCK = 10_500_000n * PLANCK_PER_ALICE;

/** Planck that may have been minted `elapsedMs` after genesis. */
export function scheduledPlanck(elapsedMs: number): bigint {
  let budget = FIRST_PERIOD_PLANCK;
  let emitted = 0n;
  let left = BigInt(Math.max(0, Math.floor(elapsedMs)));
  const period = BigInt(HALVING_PERIOD_MS);
  for (; left >= period && budget > 0n; left -= period, budget /= 2n) emitted += budget;
  return emitted + (budget * left) / period;
}

export interface IssuancePoint {
  readonly atMs: number;
  readonly planck: bigint;
}

/** Total issuance after each epoch known, oldest first: counted back from the total of now, so gaps do not matter. */
export function issuanceHistory(
  status: Pick<NetworkStatus, 'epochs' | 'totalIssuancePlanck'>,
): IssuancePoint[] {
  let planck = BigInt(status.totalIssuancePlanck);
  const points: IssuancePoint[] = [];
  for (const { endedAtMs, mintedPlanck } of [...status.epochs].reverse()) {
    points.unshift({ atMs: endedAtMs, planck });
    planck -= BigInt(mintedPlanck);
  }
  return points;
}

/** Where the schedule and the cap part for good: the share of the cap that is left after `elapsedMs`. */
export const shareIssued = (planck: bigint): number =>
  Number((planck * 1_000_000n) / MAX_SUPPLY_PLANCK) / 1e6;
