/**
 * @file The gain a submission is paid for (SPEC SCORE-7): that of what the fold makes of it. A delta sent twice as large
 * gains more when it is scored and is clipped when it is folded; unpaid, the size of a delta is nobody's lever.
 */
import { lowerMedian } from '../median.js';

export interface SizedGain {
  /** Mean paired gain of the delta as it was sent. */
  readonly gainNats: number;
  /** L2 norm of the delta as it was sent. */
  readonly normL2: number;
}

/**
 * One gain for each submission of a round. Formula: gain · min(1, n̄ / n), n the norm and n̄ the lower median of the round's.
 * The gain of a small step grows at most in proportion to its size, so c times honest work is never paid more than it.
 */
export function foldedGains(round: readonly SizedGain[]): number[] {
  const bound = lowerMedian(round.map(({ normL2 }) => normL2));
  return round.map(({ gainNats, normL2 }) => (normL2 > bound ? (gainNats * bound) / normL2 : gainNats));
}
