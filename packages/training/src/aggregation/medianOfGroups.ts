/**
 * @file The Byzantine-robust rule for sparse deltas: median over groups instead of a mean over all (SPEC AGG-1).
 * Method: median of means (Nemirovsky and Yudin 1983; for training Yin et al. 2018), adapted to sparse input: a plain
 * median would be zero wherever fewer than half of the groups sent anything, which at 3% density is nearly everywhere.
 */
import { lowerMedian } from '../median.js';
import type { ExactSum } from './exactSum.js';

/**
 * Formula: median of the groups' non-zero means × (groups with a non-zero mean / groups). Of an even count the two
 * middle values are averaged, so that the rule has no preferred sign.
 */
export function medianOfGroups(groups: readonly ExactSum[], index: number): number {
  const sent: number[] = [];
  for (const group of groups) {
    const mean = group.meanAt(index);
    if (mean !== 0) sent.push(mean);
  }
  if (sent.length === 0) return 0;
  const low = lowerMedian(sent);
  const high = -lowerMedian(sent.map((value) => -value));
  return (((low + high) / 2) * sent.length) / groups.length;
}
