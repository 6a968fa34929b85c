/**
 * @file Did the miner train on what it was assigned (SPEC SCORE-4 a, b)? Pure arithmetic on paired gains; which rows
 * are probed and over how many rounds gaps are kept is the server's choice. Method: Bittensor Gauntlet's assigned
 * versus unassigned gain; the lower quartile over batches because the mean does not see a miner who did a quarter.
 */
import { lowerMedian } from '../median.js';
import type { PairedScore } from './pairedScore.js';
import { pairedStatistics } from './pairedStatistics.js';

export interface WorkTestSettings {
  /** A miner's gap must reach this share of the round's median gap. */
  readonly minShareOfMedian: number;
  /** Rounds a miner's gaps are averaged over before they decide. */
  readonly minRounds: number;
}

export const defaultWorkTestSettings: WorkTestSettings = { minShareOfMedian: 1 / 3, minRounds: 3 };

/** Gain on the assigned rows minus gain on fresh unassigned rows, nats: about zero for who never saw the former. */
export function assignedGapNats(assigned: PairedScore, unassigned: PairedScore): number {
  const gain = ({ before, after }: PairedScore) => pairedStatistics(before, after).meanGainNats;
  return gain(assigned) - gain(unassigned);
}

/** The lower quartile (nearest rank) of the gaps of single probed batches: three of four batches must show work. */
export function coverageNats(gapsNats: readonly number[]): number {
  const sorted = [...gapsNats].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length / 4) - 1)] ?? 0;
}

/**
 * Passed, failed, or unknown while a miner has too few rounds. `gapsNats`: the miner's own over its last rounds;
 * `roundGapsNats`: all accepted miners' mean gaps of this round. A round whose median gap is not positive says nothing.
 */
export function gapVerdict(
  gapsNats: readonly number[],
  roundGapsNats: readonly number[],
  settings: WorkTestSettings = defaultWorkTestSettings,
): 'passed' | 'failed' | 'unknown' {
  const median = lowerMedian(roundGapsNats);
  if (gapsNats.length < settings.minRounds || median <= 0) return 'unknown';
  const mean = gapsNats.reduce((sum, gap) => sum + gap, 0) / gapsNats.length;
  return mean >= settings.minShareOfMedian * median ? 'passed' : 'failed';
}
