/**
 * @file A task of a small model trained twice with one optimiser: as the processor does it, and with everything resident on
 * a device. Also a program (`node deviceTask.js DEVICE STEPS TRACES`), since a graphics driver is found through the environment a
 * process starts with: it prints a `DeviceTask` of each optimiser as JSON.
 */
import type { Platform } from '@alice/engine';
import { type DeviceName, nodePlatformOn } from '@alice/engine/node';
import {
  checkConfig,
  createDeviceGradientFunction,
  createGradientFunction,
  type DeviceFunctionOptions,
  type DeviceGradientFunction,
  type GradientFunction,
  initParameters,
  modelLayout,
  resolveModel,
} from '@alice/model';
import { seededRandom, type TensorLayout } from '@alice/protocol';
import { trainLocally } from '../../localTraining.js';
import { createAdamW } from '../../optimizers/adamW.js';
import type { InnerOptimizer } from '../../optimizers/innerOptimizer.js';
import { createMuon } from '../../optimizers/muon.js';
import { createSgd } from '../../optimizers/sgd.js';

export const deviceModel = checkConfig({
  ...resolveModel('nano'),
  ...{ name: 'small', layers: 2, width: 32, heads: 4, kvHeads: 2, ffn: 48, context: 16, vocab: 61 },
});
/** The most steps there are rows for. */
const MOST_STEPS = 16;
export const TASK_ROWS = 4;
export const SHAPE = { batch: 2, sequenceLength: 12, threads: 1 };

export type OptimizerName = 'muon' | 'adamw' | 'sgd';
export const OPTIMIZERS: readonly OptimizerName[] = ['muon', 'adamw', 'sgd'];
const RATE: Readonly<Record<OptimizerName, number>> = { muon: 6e-3, adamw: 3e-3, sgd: 0.3 };

/** Inputs, labels, slots and their tokens, four bytes each; four bytes a scalar; loss and norm of each micro-batch come back. */
const MICRO_BATCHES = TASK_ROWS / SHAPE.batch;
const TOKEN_BYTES = 16 * TASK_ROWS * SHAPE.sequenceLength;
const READ_BYTES = 4 * (MICRO_BATCHES + 1);
export const STEP_BYTES: Readonly<Record<OptimizerName, DeviceTask['stepBytes']>> = {
  muon: { toDevice: TOKEN_BYTES + 4 * 5, fromDevice: READ_BYTES },
  adamw: { toDevice: TOKEN_BYTES + 4 * 4, fromDevice: READ_BYTES },
  sgd: { toDevice: TOKEN_BYTES + 4 * 2, fromDevice: READ_BYTES },
};

export interface DeviceTask {
  readonly optimizer: OptimizerName;
  /** ‖device − host‖/‖host‖ of the deltas, and of all the optimiser carries. */
  readonly deltaError: number;
  readonly carriedError: number;
  /** Largest difference of a step's loss and of its gradient's norm, relative. */
  readonly lossError: number;
  readonly normError: number;
  /** Loss of the first and the last step. */
  readonly losses: readonly [number, number];
  /** Bytes between the second and the last step, per step. */
  readonly stepBytes: { readonly toDevice: number; readonly fromDevice: number };
}

export const layoutOfTask = (): TensorLayout => modelLayout(deviceModel);

export async function optimizerOf(name: OptimizerName): Promise<InnerOptimizer> {
  const layout = layoutOfTask();
  if (name === 'sgd') return createSgd();
  if (name === 'adamw') return createAdamW(layout, { weightDecay: 0.1 });
  return createMuon(layout, { threads: 1, weightDecay: 0.1 });
}

/** Weights off zero, and rows with some tokens many times and most not at all. */
export function taskData(): { base: Float32Array; rows: Uint16Array } {
  const random = seededRandom('device task');
  const base = initParameters(deviceModel, 'device task').map((w) => w + 0.02 * random.normal());
  const tokens = MOST_STEPS * TASK_ROWS * (SHAPE.sequenceLength + 1);
  const rows = Uint16Array.from({ length: tokens }, () => Math.floor(deviceModel.vocab * random.unit() ** 3));
  return { base, rows };
}

export async function deviceGradientOn(
  platform: Platform,
  options: Pick<DeviceFunctionOptions, 'precision' | 'onLossScale'> = {},
): Promise<DeviceGradientFunction> {
  return await createDeviceGradientFunction(deviceModel, { ...SHAPE, platform, ...options });
}

/** A task of each optimiser. One gradient function serves them all: its device stays open, with what it has compiled. */
export async function deviceTasks(platform: Platform, steps: number): Promise<DeviceTask[]> {
  const gradients = [
    await createGradientFunction(deviceModel, SHAPE),
    await deviceGradientOn(platform),
  ] as const;
  const tasks: DeviceTask[] = [];
  for (const name of OPTIMIZERS) tasks.push(await deviceTask(gradients, name, steps));
  for (const gradient of gradients) await gradient.dispose();
  return tasks;
}

/** Trains on the processor and on the device, each from the same state of an optimiser that has taken a step. */
async function deviceTask(
  [hostGradient, deviceGradient]: readonly [GradientFunction, DeviceGradientFunction],
  name: OptimizerName,
  steps: number,
): Promise<DeviceTask> {
  const [host, device] = [await optimizerOf(name), await optimizerOf(name)];
  const { base, rows } = taskData();
  const { traffic } = deviceGradient.device;
  const seen: { toDevice: number; fromDevice: number }[] = [];
  const norms: [number[], number[]] = [[], []];
  const common = { base, rows, steps, rowsPerStep: TASK_ROWS, clipNorm: 0.5 };
  const learningRateAt = (step: number): number => RATE[name] * (1 - step / (2 * MOST_STEPS));
  for (const optimizer of [host, device])
    await trainLocally({ ...common, steps: 1, learningRateAt, gradientFunction: hostGradient, optimizer });
  const onHost = await trainLocally({
    ...{ ...common, learningRateAt, gradientFunction: hostGradient, optimizer: host },
    onStep: ({ gradNormL2 }) => norms[0].push(gradNormL2),
  });
  const onDevice = await trainLocally({
    ...{ ...common, learningRateAt, gradientFunction: deviceGradient, optimizer: device },
    onStep: ({ gradNormL2 }) => {
      norms[1].push(gradNormL2);
      seen.push({ ...traffic });
    },
  });
  for (const optimizer of [host, device]) await optimizer.dispose();
  const per = (key: 'toDevice' | 'fromDevice'): number =>
    (seen.at(-1)![key] - seen[0]![key]) / (seen.length - 1);
  return {
    optimizer: name,
    deltaError: distance(onDevice.delta, onHost.delta),
    carriedError: Math.max(0, ...host.carried.vectors.map((v, i) => distance(device.carried.vectors[i]!, v))),
    lossError: worst(onDevice.lossesNats, onHost.lossesNats),
    normError: worst(norms[1], norms[0]),
    losses: [onDevice.lossesNats[0]!, onDevice.lossesNats.at(-1)!],
    stepBytes: { toDevice: per('toDevice'), fromDevice: per('fromDevice') },
  };
}

function distance(got: Float32Array, want: Float32Array): number {
  let [difference, size] = [0, 0];
  for (const [i, value] of want.entries()) {
    difference += (got[i]! - value) ** 2;
    size += value ** 2;
  }
  return size === 0 ? Math.sqrt(difference) : Math.sqrt(difference / size);
}

function worst(got: readonly number[], want: readonly number[]): number {
  if (got.length !== want.length) return Number.POSITIVE_INFINITY;
  return Math.max(...want.map((value, i) => Math.abs(got[i]! - value) / Math.abs(value)));
}

/** Writes ONNX Runtime's trace of every session into a folder. */
function tracedPlatform(device: DeviceName, folder: string): Platform {
  const platform = nodePlatformOn(device);
  let sessions = 0;
  return {
    ...platform,
    openKeeping: (model, options) =>
      platform.openKeeping!(model, { ...options, profilePrefix: `${folder}/${sessions++}` }),
  };
}

if (process.argv[1] && import.meta.url === new URL(process.argv[1], 'file:').href) {
  const [device, steps, traces] = process.argv.slice(2);
  const platform = tracedPlatform(device as DeviceName, traces!);
  process.stdout.write(`${JSON.stringify(await deviceTasks(platform, Number(steps)))}\n`);
}
