/**
 * @file What a miner does with a task: H inner steps on the assigned rows from the exact published weights, then the
 * delta (SPEC TRAIN-1). Does not fetch, compress or send. The base vector is never written.
 */
import { cutTokens, type DeviceGradientFunction, type GradientFunction } from '@alice/model';
import { requireLength, requireSetting, TrainingError } from './errors.js';
import type { InnerOptimizer } from './optimizers/innerOptimizer.js';
import { type StepReport, trainSteps } from './trainSteps.js';

export interface LocalTrainingOptions {
  /** One that computes on a device keeps weights, gradients and the optimiser's sums there until the last step. */
  readonly gradientFunction: GradientFunction | DeviceGradientFunction;
  readonly optimizer: InnerOptimizer;
  /** The published weights of the task's state root. */
  readonly base: Float32Array;
  /** n rows × (sequenceLength + 1) token ids, used in order; n ≥ steps · rowsPerStep, no row is used twice. */
  readonly rows: Uint16Array;
  readonly steps: number;
  /** A multiple of the gradient function's batch: larger effective batches are accumulated (SPEC TRAIN-5). */
  readonly rowsPerStep: number;
  /** Global L2 norm every gradient is clipped to; `DEFAULT_CLIP_NORM` when left out. */
  readonly clipNorm?: number;
  readonly learningRateAt: (step: number) => number;
  /** Asked before each step: a slow device stops early and reports what it did (SPEC TASK-2). */
  readonly shouldStop?: () => boolean;
  readonly onStep?: (report: StepReport) => void;
}

export interface LocalTrainingResult {
  /** theta_H − theta_0, finite. */
  readonly delta: Float32Array;
  /** Steps that changed the weights. */
  readonly steps: number;
  /** Label tokens of those steps. */
  readonly tokens: number;
  /** Mean loss of each of those steps, before its update. */
  readonly lossesNats: readonly number[];
  /** Steps left out because loss or gradient was NaN or infinite. */
  readonly skippedSteps: number;
}

/**
 * Trains a copy of `base` and returns how it differs.
 * Throws `ROWS_INVALID` when the rows do not fit, `NOT_FINITE` when the weights themselves overflowed: such a delta
 * must not leave the miner.
 * Cost: steps · rowsPerStep forward and backward passes; two (with accumulation three) vectors of the model's size.
 */
export async function trainLocally(options: LocalTrainingOptions): Promise<LocalTrainingResult> {
  requireRows(options);
  const { gradientFunction, rows, rowsPerStep, base } = options;
  const { batch, sequenceLength } = gradientFunction;
  const size = rowsPerStep * (sequenceLength + 1);
  const { parameters, ...taken } = await trainSteps({
    ...options,
    microBatchesAt: (step) => cutTokens(rows.subarray(step * size, (step + 1) * size), rowsPerStep / batch),
  });
  const steps = taken.lossesNats.length;
  const tokens = steps * rowsPerStep * sequenceLength;
  return { delta: difference(parameters, base), steps, tokens, ...taken };
}

function requireRows({ gradientFunction, rows, steps, rowsPerStep }: LocalTrainingOptions): void {
  const { batch, sequenceLength } = gradientFunction;
  const multiple = Number.isInteger(rowsPerStep) && rowsPerStep > 0 && rowsPerStep % batch === 0;
  requireSetting(multiple, 'rowsPerStep', rowsPerStep, `a multiple of the micro-batch ${batch}`);
  const expected = steps * rowsPerStep * (sequenceLength + 1);
  if (rows.length >= expected) return;
  throw new TrainingError(
    { code: 'ROWS_INVALID', reason: 'too few rows', expected, actual: rows.length },
    `${steps} steps of ${rowsPerStep} rows need ${expected} token ids, got ${rows.length}: ask for fewer steps`,
  );
}

function difference(trained: Float32Array, base: Float32Array): Float32Array {
  requireLength('the trained parameter vector', trained.length, base.length);
  for (let i = 0; i < base.length; i++) {
    trained[i]! -= base[i]!;
    if (Number.isFinite(trained[i])) continue;
    throw new TrainingError(
      { code: 'NOT_FINITE', what: 'the delta', element: i },
      `training overflowed at element ${i}: nothing was sent; lower the learning rate or refetch the model version`,
    );
  }
  return trained;
}
