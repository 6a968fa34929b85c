/** @file The steps of local training, wherever the weights lie: in this program's memory, or on a device. */
import type { GradientFunction } from '@alice/model';
import { clipGradient } from './optimizers/clipGradient.js';
import type { InnerOptimizer } from './optimizers/innerOptimizer.js';

export interface StepInputs {
  /** rowsPerStep × (sequenceLength + 1) ids. */
  readonly tokens: Uint16Array;
  readonly learningRate: number;
}

export interface StepOutcome {
  readonly lossNats: number;
  /** Before clipping. */
  readonly gradNormL2: number;
  /** Loss or gradient was not finite: the weights stayed. */
  readonly skipped: boolean;
}

export interface TrainingSteps {
  step(inputs: StepInputs): Promise<StepOutcome>;
  /** The weights after the steps, in memory that is the caller's from now on. What the optimiser carries is up to date then. */
  finish(): Promise<Float32Array>;
  /** Gives back what the steps held; after `finish` or instead of it. */
  close(): Promise<void>;
}

export interface HostStepsOptions {
  readonly gradientFunction: GradientFunction;
  readonly optimizer: InnerOptimizer;
  /** Not written. */
  readonly base: Float32Array;
  readonly clipNorm: number;
}

/** Steps on the processor's side: the gradient comes back, the optimiser changes the weights here. */
export function hostSteps({ gradientFunction, optimizer, base, clipNorm }: HostStepsOptions): TrainingSteps {
  const parameters = base.slice();
  const gradientOf = batchGradient(gradientFunction, base.length);
  return {
    async step({ tokens, learningRate }) {
      const { lossNats, gradient } = await gradientOf(parameters, tokens);
      const { norm, finite } = clipGradient(gradient, clipNorm);
      const skipped = !finite || !Number.isFinite(lossNats);
      if (!skipped) await optimizer.step({ parameters, gradient, learningRate });
      return { lossNats, gradNormL2: norm, skipped };
    },
    finish: async () => parameters,
    close: async () => {},
  };
}

type BatchGradient = (
  parameters: Float32Array,
  tokens: Uint16Array,
) => Promise<{ readonly lossNats: number; readonly gradient: Float32Array }>;

/** Mean loss and gradient of a step's rows: micro-batches of equal size are averaged, SPEC TRAIN-5. */
function batchGradient(gradientFunction: GradientFunction, size: number): BatchGradient {
  const microSize = gradientFunction.batch * (gradientFunction.sequenceLength + 1);
  const gradient = new Float32Array(size);
  let sum = gradient;
  return async (parameters, tokens) => {
    const microBatches = tokens.length / microSize;
    if (microBatches > 1 && sum === gradient) sum = new Float32Array(size);
    if (sum !== gradient) sum.fill(0);
    let lossNats = 0;
    for (let m = 0; m < microBatches; m++) {
      const own = tokens.subarray(m * microSize, (m + 1) * microSize);
      lossNats += (await gradientFunction.run(parameters, own, gradient)) / microBatches;
      if (sum !== gradient) for (let i = 0; i < sum.length; i++) sum[i]! += gradient[i]! / microBatches;
    }
    return { lossNats, gradient: sum };
  };
}
