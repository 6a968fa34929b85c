/**
 * @file Batches cut into equal parts: the mean of the losses of the parts, and of their gradients, is that of the whole. A
 * step is computed in so many micro-batches, and a micro-batch in fewer rows where memory is short (SPEC TRAIN-5).
 */
import type { MaskedBatch } from './createMaskedGradientFunction.js';
import type { PreferenceBatch } from './createPreferenceGradientFunction.js';
import { learnedTokens, type MaskedRows } from './maskedRows.js';

/** Rows of plain text. `parts` divides their number. */
export function cutTokens(tokens: Uint16Array, parts: number): Uint16Array[] {
  return pieces(tokens, parts);
}

/** Each part is a mean over its share of all learned tokens, of which it may hold more or fewer than that. */
export function cutMasked({ rows, over }: MaskedBatch, parts: number, sequenceLength: number): MaskedBatch[] {
  if (parts === 1) return [{ rows, ...(over !== undefined && { over }) }];
  const share = (over ?? learnedTokens(rows, sequenceLength)) / parts;
  return cutRows(rows, parts).map((own) => ({ rows: own, over: share }));
}

/** Pairs stay together. */
export function cutPreferences(
  { pairs, referenceMargins }: PreferenceBatch,
  parts: number,
): PreferenceBatch[] {
  const chosen = cutRows(pairs.chosen, parts);
  const rejected = cutRows(pairs.rejected, parts);
  return pieces(referenceMargins, parts).map((margins, i) => ({
    pairs: { chosen: chosen[i]!, rejected: rejected[i]! },
    referenceMargins: margins,
  }));
}

function cutRows({ tokens, mask }: MaskedRows, parts: number): MaskedRows[] {
  const masks = pieces(mask, parts);
  return pieces(tokens, parts).map((own, i) => ({ tokens: own, mask: masks[i]! }));
}

/** Views of the array, all of one length. */
function pieces<T extends Uint16Array | Uint8Array | Float64Array>(whole: T, parts: number): T[] {
  const length = whole.length / parts;
  return Array.from({ length: parts }, (_, i) => whole.subarray(i * length, (i + 1) * length) as T);
}
