/**
 * @file A task of a small model trained twice with one optimiser: as the processor does it, and with everything resident on
 * a device. Also a program (`node deviceTask.js DEVICE STEPS TRACES`), since a graphics driver is found through the environment a
 * process starts with: it prints a `DeviceTask` of each optimiser as JSON.
 */
import type { Platform } from '@alice/engine';
import { type DeviceName, nodePlatformOn } from '@alice/engine/node';
import {
  createDeviceGradientFunction,
  type DeviceFunctionOptions,
  type DeviceGradientFunction,
  modelLayout,
} from '@alice/model';
import type { TensorLayout } from '@alice/protocol';
import { createAdafactor } from '../../optimizers/adafactor.js';
import { createAdamW } from '../../optimizers/adamW.js';
import type { InnerOptimizer } from '../../optimizers/innerOptimizer.js';
import { createMuon } from '../../optimizers/muon.js';
import { createSgd } from '../../optimizers/sgd.js';
import { trainSteps } from '../../trainSteps.js';
import {
  conversationLessons,
  deviceModel,
  type Lessons,
  MOST_STEPS,
  type ObjectiveName,
  preferenceLessons,
  SHAPE,
  taskData,
  textLessons,
} from './deviceLessons.js';

export type OptimizerName = 'muon' | 'adafactor' | 'adamw' | 'sgd';
export const OPTIMIZERS: readonly OptimizerName[] = ['muon', 'adafactor', 'adamw', 'sgd'];
const RATE: Readonly<Record<OptimizerName, number>> = { muon: 6e-3, adafactor: 3e-3, adamw: 3e-3, sgd: 0.3 };

/** Scalars of a step, four bytes each. */
const SCALARS: Readonly<Record<OptimizerName, number>> = { muon: 5, adafactor: 5, adamw: 4, sgd: 2 };

export interface DeviceTask {
  readonly objective: ObjectiveName;
  readonly optimizer: OptimizerName;
  /** ‖device − host‖/‖host‖ of the deltas, and of all the optimiser carries. */
  readonly deltaError: number;
  readonly carriedError: number;
  /** Largest difference of a step's loss and of its gradient's norm, relative. */
  readonly lossError: number;
  readonly normError: number;
  /** Loss of the first and the last step. */
  readonly losses: readonly [number, number];
  /** Bytes between the second and the last step, per step; and those of tokens, what the objective feeds, and scalars. */
  readonly stepBytes: { readonly toDevice: number; readonly fromDevice: number };
  readonly expectedBytes: DeviceTask['stepBytes'];
}

export const layoutOfTask = (): TensorLayout => modelLayout(deviceModel);

export async function optimizerOf(name: OptimizerName): Promise<InnerOptimizer> {
  const layout = layoutOfTask();
  if (name === 'sgd') return createSgd();
  if (name === 'adafactor') return createAdafactor(layout, { weightDecay: 0.1 });
  if (name === 'adamw') return createAdamW(layout, { weightDecay: 0.1 });
  return createMuon(layout, { threads: 1, weightDecay: 0.1 });
}

export async function deviceGradientOn(
  platform: Platform,
  options: Pick<DeviceFunctionOptions, 'precision' | 'onLossScale'> = {},
): Promise<DeviceGradientFunction> {
  return await createDeviceGradientFunction(deviceModel, { ...SHAPE, platform, ...options });
}

/** A task of each optimiser on plain text, and one of each other objective. */
export async function deviceTasks(platform: Platform, steps: number): Promise<DeviceTask[]> {
  return [
    ...(await tasksOf(textLessons(), platform, { optimizers: OPTIMIZERS, steps })),
    ...(await tasksOf(conversationLessons(), platform, { optimizers: ['adamw'], steps })),
    ...(await tasksOf(preferenceLessons(), platform, { optimizers: ['muon'], steps })),
  ];
}

/** One gradient function serves all optimisers: its device stays open, with what it has compiled. */
async function tasksOf<Batch>(
  lessons: Lessons<Batch>,
  platform: Platform,
  { optimizers, steps }: { optimizers: readonly OptimizerName[]; steps: number },
): Promise<DeviceTask[]> {
  const gradients = { host: await lessons.host(), device: await lessons.device(platform) };
  const tasks: DeviceTask[] = [];
  for (const name of optimizers) tasks.push(await deviceTask(lessons, gradients, { name, steps }));
  await gradients.host.dispose();
  await gradients.device.dispose();
  return tasks;
}

interface Gradients<Batch> {
  readonly host: Awaited<ReturnType<Lessons<Batch>['host']>>;
  readonly device: DeviceGradientFunction<Batch>;
}

/** Trains on the processor and on the device, each from the same state of an optimiser that has taken a step. */
async function deviceTask<Batch>(
  lessons: Lessons<Batch>,
  gradients: Gradients<Batch>,
  { name, steps }: { name: OptimizerName; steps: number },
): Promise<DeviceTask> {
  const [host, device] = [await optimizerOf(name), await optimizerOf(name)];
  const { base } = taskData();
  const { traffic } = gradients.device.device;
  const seen: { toDevice: number; fromDevice: number }[] = [];
  const norms: [number[], number[]] = [[], []];
  const learningRateAt = (step: number): number => RATE[name] * (1 - step / (2 * MOST_STEPS));
  const common = { base, steps, clipNorm: 0.5, learningRateAt, microBatchesAt: lessons.at };
  for (const optimizer of [host, device])
    await trainSteps({ ...common, steps: 1, gradientFunction: gradients.host, optimizer });
  const onHost = await trainSteps({
    ...{ ...common, gradientFunction: gradients.host, optimizer: host },
    onStep: ({ gradNormL2 }) => norms[0].push(gradNormL2),
  });
  const onDevice = await trainSteps({
    ...{ ...common, gradientFunction: gradients.device, optimizer: device },
    onStep: ({ gradNormL2 }) => {
      norms[1].push(gradNormL2);
      seen.push({ ...traffic });
    },
  });
  for (const optimizer of [host, device]) await optimizer.dispose();
  const per = (key: 'toDevice' | 'fromDevice'): number =>
    (seen.at(-1)![key] - seen[0]![key]) / (seen.length - 1);
  const change = ({ parameters }: { parameters: Float32Array }): Float32Array =>
    parameters.map((weight, i) => weight - base[i]!);
  const { stepBytes, objective } = lessons;
  return {
    ...{ objective, optimizer: name },
    deltaError: distance(change(onDevice), change(onHost)),
    carriedError: Math.max(0, ...host.carried.vectors.map((v, i) => distance(device.carried.vectors[i]!, v))),
    lossError: worst(onDevice.lossesNats, onHost.lossesNats),
    normError: worst(norms[1], norms[0]),
    losses: [onDevice.lossesNats[0]!, onDevice.lossesNats.at(-1)!],
    stepBytes: { toDevice: per('toDevice'), fromDevice: per('fromDevice') },
    expectedBytes: {
      toDevice: stepBytes.toDevice + 4 * SCALARS[name],
      fromDevice: stepBytes.fromDevice + 4,
    },
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
