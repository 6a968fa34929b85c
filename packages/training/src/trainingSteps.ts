/** @file The steps of local training, wherever the weights lie: in this program's memory, or on a device. */
import type { BatchGradient } from '@alice/model';
import { clipGradient } from './optimizers/clipGradient.js';
import type { InnerOptimizer } from './optimizers/innerOptimizer.js';

export interface StepInputs<Batch> {
  /** Of equal size, together the step: its loss is the mean of theirs (SPEC TRAIN-5). */
  readonly microBatches: readonly Batch[];
  readonly learningRate: number;
}

export interface StepOutcome {
  readonly lossNats: number;
  /** Before clipping. */
  readonly gradNormL2: number;
  /** Loss or gradient was not finite: the weights stayed. */
  readonly skipped: boolean;
}

export interface TrainingSteps<Batch> {
  step(inputs: StepInputs<Batch>): Promise<StepOutcome>;
  /** The weights after the steps, in memory that is the caller's from now on. What the optimiser carries is up to date then. */
  finish(): Promise<Float32Array>;
  /** Gives back what the steps held; after `finish` or instead of it. */
  close(): Promise<void>;
}

export interface HostStepsOptions<Batch> {
  readonly gradientFunction: BatchGradient<Batch>;
  readonly optimizer: InnerOptimizer;
  /** Not written. */
  readonly base: Float32Array;
  readonly clipNorm: number;
}

/** Steps on the processor's side: the gradient comes back, the optimiser changes the weights here. */
export function hostSteps<Batch>(options: HostStepsOptions<Batch>): TrainingSteps<Batch> {
  const { gradientFunction, optimizer, base, clipNorm } = options;
  const parameters = base.slice();
  const gradientOf = meanGradient(gradientFunction, base.length);
  return {
    async step({ microBatches, learningRate }) {
      const { lossNats, gradient } = await gradientOf(parameters, microBatches);
      const { norm, finite } = clipGradient(gradient, clipNorm);
      const skipped = !finite || !Number.isFinite(lossNats);
      if (!skipped) await optimizer.step({ parameters, gradient, learningRate });
      return { lossNats, gradNormL2: norm, skipped };
    },
    finish: async () => parameters,
    close: async () => {},
  };
}

type MeanGradient<Batch> = (
  parameters: Float32Array,
  microBatches: readonly Batch[],
) => Promise<{ readonly lossNats: number; readonly gradient: Float32Array }>;

/** Mean loss and gradient of a step's micro-batches. */
function meanGradient<Batch>(gradientFunction: BatchGradient<Batch>, size: number): MeanGradient<Batch> {
  const gradient = new Float32Array(size);
  let sum = gradient;
  return async (parameters, microBatches) => {
    const count = microBatches.length;
    if (count > 1 && sum === gradient) sum = new Float32Array(size);
    if (sum !== gradient) sum.fill(0);
    let lossNats = 0;
    for (const own of microBatches) {
      lossNats += (await gradientFunction.run(parameters, own, gradient)) / count;
      if (sum !== gradient) for (let i = 0; i < sum.length; i++) sum[i]! += gradient[i]! / count;
    }
    return { lossNats, gradient: sum };
  };
}
