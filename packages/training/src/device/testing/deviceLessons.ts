/** @file What the small model of a device task learns, by each objective: the batches of its steps, and gradients on the processor and on a device. */
import type { Platform } from '@alice/engine';
import {
  type BatchGradient,
  checkConfig,
  createDeviceGradientFunction,
  createDeviceMaskedGradientFunction,
  createDevicePreferenceGradientFunction,
  createGradientFunction,
  createMaskedGradientFunction,
  createPreferenceGradientFunction,
  cutMasked,
  cutPreferences,
  cutTokens,
  type DeviceGradientFunction,
  initParameters,
  type MaskedBatch,
  type MaskedRows,
  type PreferenceBatch,
  resolveModel,
} from '@alice/model';
import { seededRandom } from '@alice/protocol';

export const deviceModel = checkConfig({
  ...resolveModel('nano'),
  ...{ name: 'small', layers: 2, width: 32, heads: 4, kvHeads: 2, ffn: 48, context: 16, vocab: 61 },
});
/** The most steps there are rows for. */
export const MOST_STEPS = 16;
export const TASK_ROWS = 4;
export const SHAPE = { batch: 2, sequenceLength: 12, threads: 1 };
export const MICRO_BATCHES = TASK_ROWS / SHAPE.batch;
const ROW_LENGTH = SHAPE.sequenceLength + 1;
const BETA = 0.4;

export type ObjectiveName = 'lm' | 'sft' | 'dpo';

export interface Lessons<Batch> {
  readonly objective: ObjectiveName;
  /** Bytes that go to the device and come back in a step, but for the optimiser's scalars and the norm. */
  readonly stepBytes: { readonly toDevice: number; readonly fromDevice: number };
  /** The micro-batches of a step. */
  at(step: number): readonly Batch[];
  host(): Promise<BatchGradient<Batch> & { dispose(): Promise<void> }>;
  device(platform: Platform): Promise<DeviceGradientFunction<Batch>>;
}

/** Weights off zero, and rows with some tokens many times and most not at all. */
export function taskData(): { base: Float32Array; rows: Uint16Array } {
  const random = seededRandom('device task');
  const base = initParameters(deviceModel, 'device task').map((w) => w + 0.02 * random.normal());
  const tokens = MOST_STEPS * TASK_ROWS * ROW_LENGTH;
  const rows = Uint16Array.from({ length: tokens }, () => Math.floor(deviceModel.vocab * random.unit() ** 3));
  return { base, rows };
}

/** Input, label, slot and its token: four bytes each. */
const TOKEN_BYTES = 16 * TASK_ROWS * SHAPE.sequenceLength;
/** A mask, or what is made of it. */
const MASK_BYTES = 4 * TASK_ROWS * SHAPE.sequenceLength;

export function textLessons(): Lessons<Uint16Array> {
  return {
    objective: 'lm',
    stepBytes: { toDevice: TOKEN_BYTES, fromDevice: 4 * MICRO_BATCHES },
    at: (step) => cutTokens(rowsOf(step).tokens, MICRO_BATCHES),
    host: () => createGradientFunction(deviceModel, SHAPE),
    device: (platform) => createDeviceGradientFunction(deviceModel, { ...SHAPE, platform }),
  };
}

export function conversationLessons(): Lessons<MaskedBatch> {
  return {
    objective: 'sft',
    stepBytes: { toDevice: TOKEN_BYTES + MASK_BYTES, fromDevice: 4 * MICRO_BATCHES },
    at: (step) => cutMasked({ rows: rowsOf(step) }, MICRO_BATCHES, SHAPE.sequenceLength),
    async host() {
      const masked = await createMaskedGradientFunction(deviceModel, SHAPE);
      return { ...masked, run: (parameters, own, gradient) => masked.run({ ...own, parameters, gradient }) };
    },
    device: (platform) => createDeviceMaskedGradientFunction(deviceModel, { ...SHAPE, platform }),
  };
}

/** Half of a step's rows are chosen over the other half; the reference found either as probable as it pleased. */
export function preferenceLessons(): Lessons<PreferenceBatch> {
  const pairs = SHAPE.batch / 2;
  const shape = { sequenceLength: SHAPE.sequenceLength, threads: SHAPE.threads, pairs, beta: BETA };
  const numbers = 4 * pairs * MICRO_BATCHES; // a margin of the reference, or of the model, for each pair
  return {
    objective: 'dpo',
    stepBytes: { toDevice: TOKEN_BYTES + MASK_BYTES + numbers, fromDevice: numbers },
    at(step) {
      const { tokens, mask } = rowsOf(step);
      const half = tokens.length / 2;
      const of = (...range: [number, number]): MaskedRows => ({
        ...{ tokens: tokens.subarray(...range), mask: mask.subarray(...range) },
      });
      const referenceMargins = Float64Array.from({ length: TASK_ROWS / 2 }, (_, i) => (step % 3) - i);
      const all = { chosen: of(0, half), rejected: of(half, tokens.length) };
      return cutPreferences({ pairs: all, referenceMargins }, MICRO_BATCHES);
    },
    async host() {
      const preference = await createPreferenceGradientFunction(deviceModel, shape);
      return {
        ...preference,
        run: async (parameters, own, gradient) =>
          (await preference.run({ ...own, parameters, gradient })).lossNats,
      };
    },
    device: (platform) => createDevicePreferenceGradientFunction(deviceModel, { ...shape, platform }),
  };
}

let taskRows: Uint16Array | undefined;

/** The first rows of a step are learned from their third token on, each next one from a token further. */
function rowsOf(step: number): MaskedRows {
  const length = TASK_ROWS * ROW_LENGTH;
  taskRows ??= taskData().rows;
  const tokens = taskRows.subarray(step * length, (step + 1) * length);
  const mask = Uint8Array.from(tokens, (_, i) => Number(i % ROW_LENGTH >= 3 + Math.floor(i / ROW_LENGTH)));
  return { tokens, mask };
}
