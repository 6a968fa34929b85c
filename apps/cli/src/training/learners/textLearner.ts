/** @file Learning from plain text: every next token of rows of the shards, by the miner's own loop (`trainLocally`). */
import type { Dataset } from '@alice/data';
import { createElasticGradientFunction } from '@alice/model';
import { trainLocally } from '@alice/training';
import { openHeldOut } from '../heldOut.js';
import { LocalRunError } from '../localRunError.js';
import { RowStream } from '../RowStream.js';
import type { Learner } from './learner.js';
import type { LearnerOptions } from './openLearner.js';

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
  const shape = { batch: microBatch, sequenceLength, threads, platform };
  const [gradientFunction, heldOut] = await Promise.all([
    createElasticGradientFunction(model, {
      ...{ ...shape, precision },
      onMicroBatch: (rows) => onNotice?.({ kind: 'micro-batch', rows }),
      onLossScale: (scale) => onNotice?.({ kind: 'loss-scale', scale }),
    }),
    openHeldOut({ model, dataset, ...shape }),
  ]);
  return {
    async segment({ step: first, steps, parameters, optimizer, learningRateAt, onStep }) {
      const { delta } = await trainLocally({
        ...{ gradientFunction, optimizer, rowsPerStep, base: parameters, steps },
        rows: await rows.take(first * rowsPerStep, steps * rowsPerStep),
        learningRateAt: (step) => learningRateAt(first + step),
        onStep: (report) => onStep({ ...report, step: first + report.step }),
      });
      for (let i = 0; i < delta.length; i++) parameters[i]! += delta[i]!;
    },
    heldOutNats: (parameters) => heldOut.loss(parameters),
    async dispose() {
      await gradientFunction.dispose();
      await heldOut.dispose();
    },
  };
}
