/** @file Learning from plain text: every next token of rows of the shards, by the miner's own loop (`trainLocally`). */
import type { Dataset } from '@alice/data';
import {
  createDeviceGradientFunction,
  createElasticGradientFunction,
  type DeviceGradientFunction,
  type FunctionOptions,
  type GradientFunction,
  type ModelConfig,
  openElastic,
} from '@alice/model';
import { type LocalTrainingResult, trainLocally } from '@alice/training';
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
  const onMicroBatch = (rows: number): void => onNotice?.({ kind: 'micro-batch', rows });
  const onLossScale = (scale: number): void => onNotice?.({ kind: 'loss-scale', scale });
  const [gradients, heldOut] = await Promise.all([
    openGradients(model, { ...shape, precision, onLossScale, onMicroBatch }),
    openHeldOut({ model, dataset, ...shape }),
  ]);
  return {
    async segment({ step: first, steps, parameters, optimizer, learningRateAt, onStep }) {
      const taken = await rows.take(first * rowsPerStep, steps * rowsPerStep);
      let told = 0; // a segment that memory ended in is done again, its first steps are not told again
      const { delta } = await gradients.use((gradientFunction) =>
        trainLocally({
          ...{ gradientFunction, optimizer, rowsPerStep, base: parameters, steps, rows: taken },
          learningRateAt: (step) => learningRateAt(first + step),
          onStep: (report) => {
            if (report.step < told) return;
            told = report.step + 1;
            onStep({ ...report, step: first + report.step });
          },
        }),
      );
      for (let i = 0; i < delta.length; i++) parameters[i]! += delta[i]!;
    },
    heldOutNats: (parameters) => heldOut.loss(parameters),
    async dispose() {
      await gradients.dispose();
      await heldOut.dispose();
    },
  };
}

interface Gradients {
  use(
    work: (own: GradientFunction | DeviceGradientFunction) => Promise<LocalTrainingResult>,
  ): Promise<LocalTrainingResult>;
  dispose(): Promise<void>;
}

type GradientOptions = FunctionOptions & { readonly onMicroBatch: (rows: number) => void };

/**
 * Where a device keeps values, weights stay there for a segment, and a segment is what is done again in fewer rows: the
 * optimiser sees it only when it is done. Elsewhere each gradient is.
 */
async function openGradients(model: ModelConfig, options: GradientOptions): Promise<Gradients> {
  const { platform, batch, onMicroBatch } = options;
  if (platform?.hasOwnMemory)
    return await openElastic({
      ...{ rows: batch, onMicroBatch },
      compile: (rows) => createDeviceGradientFunction(model, { ...options, platform, batch: rows }),
    });
  const elastic = await createElasticGradientFunction(model, options);
  return { use: (work) => work(elastic), dispose: () => elastic.dispose() };
}
