/**
 * @file The loop of training, whatever is learned and wherever the weights lie: gradient, clipping, optimiser, step after
 * step. A step whose loss or gradient is not finite is left out and reported. The base vector is never written.
 */
import type { BatchGradient, DeviceGradientFunction } from '@alice/model';
import { deviceSteps } from './device/deviceSteps.js';
import type { InnerOptimizer } from './optimizers/innerOptimizer.js';
import { hostSteps, type TrainingSteps } from './trainingSteps.js';

export const DEFAULT_CLIP_NORM = 1;

export interface StepReport {
  /** 0-based within the task. */
  readonly step: number;
  readonly lossNats: number;
  /** Before clipping. */
  readonly gradNormL2: number;
  readonly skipped: boolean;
}

export interface TrainStepsOptions<Batch> {
  /** One that computes on a device keeps weights, gradients and the optimiser's sums there until the last step. */
  readonly gradientFunction: BatchGradient<Batch> | DeviceGradientFunction<Batch>;
  readonly optimizer: InnerOptimizer;
  readonly base: Float32Array;
  readonly steps: number;
  /** What the gradient function is run on in a step: parts of equal size, whose mean loss is the step's. */
  readonly microBatchesAt: (step: number) => readonly Batch[] | Promise<readonly Batch[]>;
  readonly learningRateAt: (step: number) => number;
  /** Global L2 norm every gradient is clipped to; `DEFAULT_CLIP_NORM` when left out. */
  readonly clipNorm?: number;
  /** Asked before each step. */
  readonly shouldStop?: () => boolean;
  readonly onStep?: (report: StepReport) => void;
}

export interface TrainedSteps {
  /** In memory of its own. */
  readonly parameters: Float32Array;
  /** Mean loss of each step that changed the weights, before its update. */
  readonly lossesNats: readonly number[];
  readonly skippedSteps: number;
}

/** Where it fails on a device, the optimiser is as it was. Cost: two (with several micro-batches three) vectors of the model's size. */
export async function trainSteps<Batch>(options: TrainStepsOptions<Batch>): Promise<TrainedSteps> {
  const work = await openSteps(options);
  try {
    const taken = await takeSteps(work, options);
    return { parameters: await work.finish(), ...taken };
  } finally {
    await work.close();
  }
}

function openSteps<Batch>(
  options: TrainStepsOptions<Batch>,
): Promise<TrainingSteps<Batch>> | TrainingSteps<Batch> {
  const { gradientFunction, optimizer, base, clipNorm = DEFAULT_CLIP_NORM } = options;
  const rest = { optimizer, base, clipNorm };
  return 'parts' in gradientFunction
    ? deviceSteps({ gradientFunction, ...rest })
    : hostSteps({ gradientFunction, ...rest });
}

async function takeSteps<Batch>(
  work: TrainingSteps<Batch>,
  { steps, microBatchesAt, learningRateAt, shouldStop, onStep }: TrainStepsOptions<Batch>,
): Promise<Omit<TrainedSteps, 'parameters'>> {
  const lossesNats: number[] = [];
  let skippedSteps = 0;
  for (let step = 0; step < steps && !shouldStop?.(); step++) {
    const microBatches = await microBatchesAt(step);
    const outcome = await work.step({ microBatches, learningRate: learningRateAt(step) });
    if (outcome.skipped) skippedSteps++;
    else lossesNats.push(outcome.lossNats);
    onStep?.({ step, ...outcome });
  }
  return { lossesNats, skippedSteps };
}
