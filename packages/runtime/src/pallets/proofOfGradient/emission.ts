/**
 * @file The emission schedule E(t): how much ALICE may have been minted t after genesis (CHAIN-1). An epoch mints the
 * DIFFERENCE of two values of this one integer function, so splitting an interval never changes the sum, a halving
 * inside an epoch is exact and rounding cannot accumulate. E never falls and never passes the cap.
 */
import { PLANCK_PER_ALICE } from '@alice/protocol';

/** Two years of 31,536,000 seconds. */
export const HALVING_PERIOD_MS = 63_072_000_000n;
/** 5,250,000 ALICE in each of the first two years, in planck. */
export const FIRST_PERIOD_BUDGET = 10_500_000n * PLANCK_PER_ALICE;

/** E(t) in planck: whole periods exactly, the running one in proportion to its time, rounded down. */
export function emittedBy(genesisMs: bigint, atMs: bigint): bigint {
  if (atMs <= genesisMs) return 0n;
  const elapsedMs = atMs - genesisMs;
  const wholePeriods = elapsedMs / HALVING_PERIOD_MS;
  let budget = FIRST_PERIOD_BUDGET;
  let emitted = 0n;
  for (let period = 0n; period < wholePeriods && budget > 0n; period++) {
    emitted += budget;
    budget /= 2n;
  }
  return emitted + (budget * (elapsedMs % HALVING_PERIOD_MS)) / HALVING_PERIOD_MS;
}
