/**
 * @file What a miner does with a task on a model larger than its memory: one inner step over all rows, a tensor at a time
 * from gradient to update to the entries that are sent (SPEC TRAIN-1, TRAIN-3, WIRE-1). There is no whole gradient, so
 * none is clipped; Adafactor bounds each tensor's update instead. There is no residual, so what is not sent is lost.
 */
import type { StreamedModel } from '@alice/model';
import {
  layoutOf,
  type SparseDelta,
  type SparseTensor,
  type TaskSettings,
  type TensorLayout,
} from '@alice/protocol';
import { selectTopK } from '../compression/topK.js';
import { TrainingError } from '../errors.js';
import type { Adafactor } from '../optimizers/adafactor.js';

export interface StreamedTrainingOptions {
  readonly model: StreamedModel;
  readonly layout: TensorLayout;
  /** Its state has the step in it afterwards, also where the step fails: restore it then. */
  readonly optimizer: Adafactor;
  /** Rows of T + 1 token ids; a multiple of the model's batch. */
  readonly rows: Uint16Array;
  readonly learningRate: number;
  readonly density: number;
}

export interface StreamedTrainingResult {
  /** What is sent of theta_1 − theta_0. */
  readonly delta: SparseDelta;
  /** Mean loss before the step. */
  readonly lossNats: number;
  readonly tokens: number;
}

/**
 * Throws `NOT_FINITE`, and what the model throws. Cost: `StreamedModel.gradient`, five passes over the parameters; memory
 * beside the model's: the entries.
 */
export async function trainStreamed(options: StreamedTrainingOptions): Promise<StreamedTrainingResult> {
  const { model, layout, optimizer, rows, learningRate, density } = options;
  const { update } = optimizer.tensorwise(learningRate);
  const tensors: SparseTensor[] = [];
  const lossNats = await model.gradient(rows, ({ tensor, values }) => {
    update(tensor, values);
    requireFinite(values, layout.tensors[tensor]!.name);
    const { name, shape } = layout.tensors[tensor]!;
    const own = selectTopK(values, { layout: layoutOf([[name, shape]]), density });
    for (const entries of own.tensors) tensors.push({ ...entries, tensor });
  });
  if (!Number.isFinite(lossNats)) throw notFinite('the loss', 0);
  const tokens = (rows.length / (model.sequenceLength + 1)) * model.sequenceLength;
  return { delta: { tensors: tensors.sort((a, b) => a.tensor - b.tensor) }, lossNats, tokens };
}

type Streamable = Pick<
  TaskSettings,
  'optimizer' | 'innerSteps' | 'errorFeedbackDecay' | 'weightDecay' | 'selection'
>;

/** Throws `NOT_STREAMABLE` naming the setting that needs the whole model in memory. */
export function requireStreamable(settings: Streamable): void {
  const wanted: Readonly<Record<string, unknown>> = {
    optimizer: 'adafactor',
    innerSteps: 1,
    errorFeedbackDecay: 0,
    weightDecay: 0,
    selection: 'chunked',
  };
  for (const [setting, value] of Object.entries({
    ...settings,
    selection: settings.selection ?? 'chunked',
  })) {
    if (!(setting in wanted) || value === wanted[setting]) continue;
    throw new TrainingError(
      { code: 'NOT_STREAMABLE', setting, value },
      `weights on disk are trained layer by layer, and a task with ${setting} ${value} (not ${wanted[setting]}) cannot be: keep them in memory (--weights memory), on a computer that has enough`,
    );
  }
}

function requireFinite(values: Float32Array, tensor: string): void {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! * 0; // 0 · x is 0 for finite x and NaN for the rest
  if (sum !== 0)
    throw notFinite(
      `the gradient of ${tensor}`,
      values.findIndex((x) => !Number.isFinite(x)),
    );
}

function notFinite(what: string, element: number): TrainingError {
  return new TrainingError(
    { code: 'NOT_FINITE', what, element },
    `${what} is not finite: the step is left out, nothing is sent`,
  );
}
