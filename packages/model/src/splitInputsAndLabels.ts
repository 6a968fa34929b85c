/** @file The one place where inputs and labels are made from tokens; nothing else ever shifts them. SPEC MODEL-3 */
import { ModelError } from './errors.js';

export interface InputsAndLabels {
  readonly rows: number;
  /** rows × T: tokens 0 … T−1 of each row. */
  readonly inputs: Int32Array;
  /** rows × T: tokens 1 … T of each row. The label of a position is the token right after it. */
  readonly labels: Int32Array;
}

interface RowShape {
  /** T: predictions per row; a row is T + 1 tokens. */
  readonly sequenceLength: number;
  readonly vocab: number;
  /** How many rows there must be; any number unless given. */
  readonly rows?: number;
}

/** Rows of T + 1 tokens → T inputs and T labels each. Throws `TOKENS_RAGGED`, `TOKEN_OUT_OF_RANGE`. */
export function splitInputsAndLabels(tokens: Uint16Array, shape: RowShape): InputsAndLabels {
  const { sequenceLength, vocab } = shape;
  const rowLength = sequenceLength + 1;
  const rows = tokens.length / rowLength;
  if (!Number.isInteger(rows) || rows !== (shape.rows ?? rows))
    throw new ModelError(
      { code: 'TOKENS_RAGGED', length: tokens.length, rowLength },
      `${tokens.length} tokens are not ${shape.rows ?? 'whole'} rows of ${rowLength} (sequence length + 1)`,
    );
  checkTokens(tokens, vocab);
  const inputs = new Int32Array(rows * sequenceLength);
  const labels = new Int32Array(rows * sequenceLength);
  for (let row = 0; row < rows; row++) {
    const from = row * rowLength;
    inputs.set(tokens.subarray(from, from + sequenceLength), row * sequenceLength);
    labels.set(tokens.subarray(from + 1, from + rowLength), row * sequenceLength);
  }
  return { rows, inputs, labels };
}

/** Throws `TOKEN_OUT_OF_RANGE` for the first id the vocabulary does not have. */
export function checkTokens(tokens: ArrayLike<number>, vocab: number): void {
  for (let position = 0; position < tokens.length; position++) {
    const token = tokens[position]!;
    if (token < vocab) continue;
    throw new ModelError(
      { code: 'TOKEN_OUT_OF_RANGE', token, vocab, position },
      `token ${token} at ${position} is outside a vocabulary of ${vocab}: the data was made with another tokenizer`,
    );
  }
}
