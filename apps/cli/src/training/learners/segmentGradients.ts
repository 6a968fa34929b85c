/**
 * @file The steps of a segment, whatever is learned: micro-batches as large as memory allows, weights on the device where it
 * keeps them. There a segment is what is done again in fewer rows when memory ends, since the optimiser sees it only when
 * it is done; elsewhere each gradient is.
 */
import type { Platform } from '@alice/engine';
import {
  type BatchGradient,
  type Compiled,
  type DeviceGradientFunction,
  type Elastic,
  openElastic,
  openElasticGradient,
} from '@alice/model';
import { TrainingError, trainSteps } from '@alice/training';
import type { LearnerWork } from './learner.js';
import type { LearnerOptions } from './openLearner.js';

export interface SegmentParts<Batch> {
  /** Rows (or pairs) wanted at once; divides those of a step. */
  readonly rows: number;
  readonly rowsPerStep: number;
  readonly platform: Platform | undefined;
  readonly onMicroBatch: (rows: number) => void;
  /** Compile the gradient of so many rows (or pairs). */
  readonly host: (rows: number) => Promise<BatchGradient<Batch> & Compiled>;
  readonly device: (rows: number, platform: Platform) => Promise<DeviceGradientFunction<Batch>>;
  /** Equal parts of a batch; the mean of their losses is that of the batch. */
  readonly cut: (batch: Batch, parts: number) => readonly Batch[];
}

export interface SegmentGradients<Batch> extends Compiled {
  /** Changes the weights of `work`; `batchAt` gives a whole step, by its number in the run. */
  train(work: LearnerWork, batchAt: (step: number) => Promise<Batch>): Promise<void>;
}

/** Throws what compiling throws, and `OUT_OF_MEMORY` when a single row is too much. */
export async function openSegmentGradients<Batch>(
  parts: SegmentParts<Batch>,
): Promise<SegmentGradients<Batch>> {
  const { rowsPerStep, cut } = parts;
  const gradients = await openGradients(parts);
  return {
    async train({ step: first, steps, parameters, optimizer, learningRateAt, onStep }, batchAt) {
      let told = 0; // a segment that memory ended in is done again, its first steps are not told again
      const trained = await gradients.use((gradientFunction, rows) =>
        trainSteps({
          ...{ gradientFunction, optimizer, base: parameters, steps },
          microBatchesAt: async (step) => cut(await batchAt(first + step), rowsPerStep / rows),
          learningRateAt: (step) => learningRateAt(first + step),
          onStep: (report) => {
            if (report.step < told) return;
            told = report.step + 1;
            onStep({ ...report, step: first + report.step });
          },
        }),
      );
      requireFinite(trained.parameters);
      parameters.set(trained.parameters);
    },
    dispose: () => gradients.dispose(),
  };
}

async function openGradients<Batch>({
  platform,
  device,
  host,
  ...parts
}: SegmentParts<Batch>): Promise<Elastic<BatchGradient<Batch> | DeviceGradientFunction<Batch>>> {
  if (platform?.hasOwnMemory)
    return await openElastic({ ...parts, compile: (rows) => device(rows, platform) });
  const elastic = await openElasticGradient({ ...parts, compile: host });
  return { use: (work) => work(elastic, parts.rows), dispose: () => elastic.dispose() };
}

/** What is the same for all objectives. */
export function commonParts({
  settings,
  platform,
  microBatch,
  onNotice,
}: LearnerOptions): Pick<SegmentParts<unknown>, 'rows' | 'rowsPerStep' | 'platform' | 'onMicroBatch'> {
  return {
    ...{ rows: microBatch, rowsPerStep: settings.rowsPerStep, platform },
    onMicroBatch: (rows) => onNotice?.({ kind: 'micro-batch', rows }),
  };
}

/** Weights that are no numbers any more are not saved: the run stays what it was at its last save. */
function requireFinite(weights: Float32Array): void {
  const element = weights.findIndex((weight) => !Number.isFinite(weight));
  if (element < 0) return;
  throw new TrainingError(
    { code: 'NOT_FINITE', what: 'the weights', element },
    `training overflowed at element ${element}: the run stays as it was last saved; go on with a lower --learning-rate and a new --out`,
  );
}
