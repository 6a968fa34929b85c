/**
 * @file Rows of tokens of which only some are learned, and preference pairs made of such rows. A mask is as long as its
 * tokens and says of each token whether predicting it counts; a row's first token is never predicted.
 */
import { ModelError } from '../errors.js';

export interface MaskedRows {
  /** n rows × (T + 1) ids, row-major. */
  readonly tokens: Uint16Array;
  /** As long as `tokens`: 1 where predicting the token counts, else 0. */
  readonly mask: Uint8Array;
}

/** As many chosen rows as rejected ones; row i of both begins with the same prompt, which the masks leave out. */
export interface PreferencePairs {
  readonly chosen: MaskedRows;
  readonly rejected: MaskedRows;
}

/** The mask of the labels: n × T, as `splitInputsAndLabels` makes labels of tokens. Throws `MASK_SIZE`. */
export function labelMask({ tokens, mask }: MaskedRows, sequenceLength: number): Float32Array {
  const rowLength = sequenceLength + 1;
  const rows = tokens.length / rowLength;
  if (mask.length !== tokens.length || !Number.isInteger(rows))
    throw new ModelError(
      { code: 'MASK_SIZE', tokens: tokens.length, mask: mask.length, rowLength },
      `${mask.length} mask entries do not belong to ${tokens.length} tokens in rows of ${rowLength}`,
    );
  const labels = new Float32Array(rows * sequenceLength);
  for (let row = 0; row < rows; row++)
    for (let t = 0; t < sequenceLength; t++)
      labels[row * sequenceLength + t] = mask[row * rowLength + t + 1] === 0 ? 0 : 1;
  return labels;
}

/** How many predictions of the rows count. Throws `MASK_SIZE`. */
export function learnedTokens(rows: MaskedRows, sequenceLength: number): number {
  return labelMask(rows, sequenceLength).reduce((sum, counts) => sum + counts, 0);
}
