/** @file Whether the dataset at hand is one that the model can be trained on: asked once, before anything is opened. */
import type { ServerData } from './adapters.js';
import { ServerError } from './errors.js';
import type { ServerOptions } from './options.js';

/** Throws `DATA_MISMATCH`, `VALIDATION_TOO_SMALL`. */
export function checkData({ tokenizerId, model, training }: ServerOptions, data: ServerData): void {
  const mismatch = (field: string, expected: string, actual: string): ServerError =>
    new ServerError(
      { code: 'DATA_MISMATCH', field, expected, actual },
      `the dataset does not fit the model: ${field} is ${actual}, ${expected} is needed; build the dataset again`,
    );
  if (data.tokenizer !== tokenizerId) throw mismatch('tokenizer', tokenizerId, data.tokenizer);
  if (data.vocab > model.vocab) throw mismatch('vocabulary', `at most ${model.vocab}`, String(data.vocab));
  if (training.sequenceLength > model.context)
    throw mismatch('sequence length', `at most ${model.context}`, String(training.sequenceLength));
  const { mergeGate, sequenceLength } = training;
  const rows = data.validationRowCount(sequenceLength + 1);
  if (rows < mergeGate.minRows)
    throw new ServerError(
      { code: 'VALIDATION_TOO_SMALL', rows, needed: mergeGate.minRows },
      `the shards hold ${rows} validation rows of ${sequenceLength} tokens, at least ${mergeGate.minRows} are needed to judge updates: build the shards from more text`,
    );
}
