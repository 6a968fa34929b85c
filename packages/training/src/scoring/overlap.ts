/**
 * @file How alike two submissions are (SPEC SCORE-4 c). Measured at 1% density: honest miners on different tokens share
 * 3–8% of their indices, an honest one and the last published update 17–19%, copies all. One of several work tests:
 * a copier who changes many indices escapes it but pays for that in gain.
 */
import type { FlatDelta } from '../flatDelta.js';

export interface Overlap {
  /** Shared positions over those of the smaller delta, in [0, 1]. */
  readonly indexFraction: number;
  /** Cosine of the values on shared positions; 0 when nothing is shared. */
  readonly cosine: number;
}

/** `copy`: refused as a copy. `suspicious`: looked at closely (Templar slashes at this level). */
export interface OverlapThresholds {
  readonly copy: number;
  readonly suspicious: number;
}

export const defaultOverlapThresholds: OverlapThresholds = { copy: 0.9, suspicious: 0.4 };

/** Cost: one merge pass over both deltas. */
export function overlapOf(a: FlatDelta, b: FlatDelta): Overlap {
  let shared = 0;
  let product = 0;
  let squaresA = 0;
  let squaresB = 0;
  for (let i = 0, j = 0; i < a.values.length && j < b.values.length; ) {
    const indexA = a.indices ? a.indices[i]! : i;
    const indexB = b.indices ? b.indices[j]! : j;
    if (indexA === indexB) {
      const x = a.values[i]!;
      const y = b.values[j]!;
      shared++;
      product += x * y;
      squaresA += x * x;
      squaresB += y * y;
    }
    if (indexA <= indexB) i++;
    if (indexB <= indexA) j++;
  }
  const smaller = Math.min(a.values.length, b.values.length);
  const norms = Math.sqrt(squaresA) * Math.sqrt(squaresB);
  return { indexFraction: smaller === 0 ? 0 : shared / smaller, cosine: norms === 0 ? 0 : product / norms };
}

export type Likeness = 'independent' | 'suspicious' | 'copy';

export function likenessOf(
  { indexFraction }: Overlap,
  thresholds: OverlapThresholds = defaultOverlapThresholds,
): Likeness {
  if (indexFraction >= thresholds.copy) return 'copy';
  return indexFraction >= thresholds.suspicious ? 'suspicious' : 'independent';
}
