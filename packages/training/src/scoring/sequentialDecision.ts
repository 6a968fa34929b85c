/**
 * @file When enough has been measured: the gate's sequential test (SPEC SCORE-2). Adds nothing to the losses; says
 * whether to take more rows or to stop.
 * Method: Haybittle 1971 and Peto et al. 1976: interim looks demand three standard errors, the last look the usual
 * two, which keeps the chance to accept a worthless delta near the last look's 2.5% however often one looks. What is at
 * the end neither shown to help nor shown to harm stays undecided: late in training that is honest work as often as not
 * (docs/lab.md), and whether it was done is for the work tests to say.
 */
import type { PairedStatistics } from './pairedStatistics.js';

export interface SequentialTest {
  /** Fewer rows than this never decide: with few rows the estimated spread itself is too uncertain. */
  readonly minRows: number;
  /** With this many rows the test ends. */
  readonly maxRows: number;
  /** Standard errors demanded before the budget ends. */
  readonly interimZ: number;
  /** Standard errors demanded at the end. */
  readonly finalZ: number;
  /** Standard errors below no gain that at the end count as harm. */
  readonly harmZ: number;
}

export const defaultSequentialTest: SequentialTest = {
  minRows: 16,
  maxRows: 128,
  interimZ: 3,
  finalZ: 1.96,
  harmZ: 1,
};

export type RefusalReason = 'worse' | 'not-finite' | 'too-few-rows';

export type SequentialDecision =
  | { readonly verdict: 'continue' }
  | { readonly verdict: 'accept' }
  | { readonly verdict: 'undecided' }
  | { readonly verdict: 'refuse'; readonly reason: RefusalReason };

/**
 * Continue; or accept (the loss fell beyond noise), refuse or leave undecided, from the statistics of all rows so far.
 * `lastLook`: no more rows can be had. A loss that is not finite is refused at once: such weights must never be published.
 */
export function sequentialDecision(
  { rows, z, meanGainNats }: PairedStatistics,
  test: SequentialTest = defaultSequentialTest,
  lastLook = false,
): SequentialDecision {
  if (!Number.isFinite(meanGainNats)) return { verdict: 'refuse', reason: 'not-finite' };
  const last = lastLook || rows >= test.maxRows;
  if (rows < test.minRows)
    return last ? { verdict: 'refuse', reason: 'too-few-rows' } : { verdict: 'continue' };
  if (z >= test.interimZ) return { verdict: 'accept' };
  if (z <= -test.interimZ) return { verdict: 'refuse', reason: 'worse' };
  if (!last) return { verdict: 'continue' };
  if (z >= test.finalZ) return { verdict: 'accept' };
  return z <= -test.harmZ ? { verdict: 'refuse', reason: 'worse' } : { verdict: 'undecided' };
}

/** Whether a delta that was not refused has shown its gain by itself; if not, only work can speak for it. */
export function isGainShown(
  { meanGainNats, standardErrorNats }: Pick<PairedStatistics, 'meanGainNats' | 'standardErrorNats'>,
  { finalZ }: Pick<SequentialTest, 'finalZ'> = defaultSequentialTest,
): boolean {
  return meanGainNats > 0 && meanGainNats >= finalZ * standardErrorNats;
}
