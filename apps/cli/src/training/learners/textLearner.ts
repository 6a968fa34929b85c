/** @file Learning from plain text: every next token of rows of the shards, by the miner's own loop (`trainSteps`). */
import type { Dataset } from '@alice/data';
import { createDeviceGradientFunction, createGradientFunction, cutTokens } from '@alice/model';
import { openHeldOut } from '../heldOut.js';
import { LocalRunError } from '../localRunError.js';
import { RowStream } from '../RowStream.js';
import type { Learner } from './learner.js';
import type { LearnerOptions } from './openLearner.js';
import { commonParts, openSegmentGradients } from './segmentGradients.js';

/** Throws `RUN_DATA_TOO_SMALL`, `SEQUENCE_TOO_LONG`. */
export async function textLearner(dataset: Dataset, options: LearnerOptions): Promise<Learner> {
  const { model, settings, threads, microBatch, platform, precision, onNotice } = options;
  const { sequenceLength, seed, rowsPerStep } = settings;
  const rows = new RowStream(dataset, { rowLength: sequenceLength + 1, seed });
  if (rows.rows < rowsPerStep)
    throw new LocalRunError(
      { code: 'RUN_DATA_TOO_SMALL', rows: rows.rows, needed: rowsPerStep },
      `the training shards hold ${rows.rows} rows of ${sequenceLength} tokens, a step takes ${rowsPerStep}: use more text or smaller --rows`,
    );
  const shape = { sequenceLength, threads, platform };
  const onLossScale = (scale: number): void => onNotice?.({ kind: 'loss-scale', scale });
  const gradientOptions = { ...shape, precision, onLossScale };
  const [gradients, heldOut] = await Promise.all([
    openSegmentGradients({
      ...{ ...commonParts(options), cut: cutTokens },
      host: (batch) => createGradientFunction(model, { ...gradientOptions, batch }),
      device: (batch, own) =>
        createDeviceGradientFunction(model, { ...gradientOptions, platform: own, batch }),
    }),
    openHeldOut({ model, dataset, ...shape, batch: microBatch }),
  ]);
  return {
    segment: (work) => gradients.train(work, (step) => rows.take(step * rowsPerStep, rowsPerStep)),
    heldOutNats: (parameters) => heldOut.loss(parameters),
    async dispose() {
      await gradients.dispose();
      await heldOut.dispose();
    },
  };
}
