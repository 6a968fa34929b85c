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

export interface RowGaps {
  /** Of rows of the submission's own task, drawn after it was in. */
  readonly assigned: readonly number[];
  /** Of fresh rows nobody was given: how often text looks worked on by chance. */
  readonly control: readonly number[];
}

/**
 * The gap of each probed row: its gain minus the mean gain on the control rows, nats.
 * Row by row, because a cheat who trains on half of each batch has covered every batch and half of the rows.
 */
export function rowGapsNats(assigned: PairedScore, control: PairedScore): RowGaps {
  const mean = pairedStatistics(control.before, control.after).meanGainNats;
  const gaps = ({ before, after }: PairedScore) =>
    Array.from(before, (loss, row) => loss - after[row]! - mean);
  return { assigned: gaps(assigned), control: gaps(control) };
}

/** What the work tests look at, and when they refuse. */
export interface CoverageSettings {
  /** A probed row shows work when its gap reaches this share of the median row gap of the round. */
  readonly rowShareOfMedian: number;
  /** A submission that covers less is refused, in [0, 1]. Measured: honest work 0.87 to 1, half of it 0.45 to 0.70. */
  readonly minCovered: number;
  /**
   * While the median submission itself shows work on less than this share of its probed rows, the tests say nothing: in
   * the first steps of a schedule a gap is as small as chance.
   */
  readonly minMedian: number;
}

export const defaultCoverageSettings: CoverageSettings = {
  rowShareOfMedian: 1 / 3,
  minCovered: 0.75,
  minMedian: 0.8,
};

/** How a server carries the work tests out. */
export interface WorkPlan extends CoverageSettings {
  /** Rows of its own task that each accepted submission is probed on; 0 turns the work tests off (whitepaper). */
  readonly rows: number;
  /** Training rows nobody was given them for, once a round: what work looks like by chance. */
  readonly controlRows: number;
  /** A round of fewer accepted submissions is measured together with the latest merged ones before it. */
  readonly minReference: number;
}

export const defaultWorkPlan: WorkPlan = {
  ...defaultCoverageSettings,
  rows: 32,
  controlRows: 32,
  minReference: 6,
};

/**
 * For each submission of a round, the estimated share of its task that it was trained on, in [0, 1], against the median
 * submission of the round: the first steps of a schedule hardly move the weights, and no one is to blame for that.
 * Formula: a row shows work when its gap is at least rowShareOfMedian · m, m the lower median of all assigned gaps of the
 * round; with h the share of assigned and f that of control rows which do, c = (h − f)/(1 − f), so that what looks like
 * work by chance is not counted; covered = min(1, c / lower median of c).
 * `undefined` for all while m ≤ 0 or the median c is below `minMedian`: then the model moved too little to tell.
 * `reference`: merged work of the rounds before, counted into both medians, so that a round of one or two is not
 * measured against itself alone.
 */
export function coveredShares(
  round: readonly RowGaps[],
  settings: CoverageSettings = defaultCoverageSettings,
  reference: readonly RowGaps[] = [],
): (number | undefined)[] {
  const all = [...round, ...reference];
  const least = settings.rowShareOfMedian * lowerMedian(all.flatMap(({ assigned }) => [...assigned]));
  const estimated = all.map((gaps) => shareWorkedOn(gaps, least));
  const median = lowerMedian(estimated);
  if (least <= 0 || median <= 0 || median < settings.minMedian) return round.map(() => undefined);
  return estimated.slice(0, round.length).map((share) => Math.min(1, share / median));
}

function shareWorkedOn({ assigned, control }: RowGaps, leastNats: number): number {
  const shareOf = (gaps: readonly number[]) =>
    gaps.filter((gap) => gap >= leastNats).length / Math.max(1, gaps.length);
  const byChance = shareOf(control);
  return byChance >= 1 ? 0 : Math.max(0, (shareOf(assigned) - byChance) / (1 - byChance));
}

/**
 * Tokens that the probed rows vouch for. Formula: tokens · covered², 0 below `minCovered`: who does nine
 * tenths of the work is paid eight, so that leaving work out never pays. Whole when coverage could not be told.
 */
export function vouchedTokens(
  tokens: number,
  covered: number | undefined,
  settings: CoverageSettings = defaultCoverageSettings,
): number {
  if (covered === undefined) return tokens;
  return covered < settings.minCovered ? 0 : tokens * covered ** 2;
}
