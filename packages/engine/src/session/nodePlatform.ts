/**
 * @file ONNX Runtime for Node, on the processor or on another device. `run` blocks the calling thread for as long as the
 * graph takes, so whoever also serves requests calls it in a worker thread. What a device's provider does not compute
 * falls to the processor. Whether a device works is for `detectDevices` to find out: opening one that does not can end
 * the process.
 */
import { MessageChannel } from 'node:worker_threads';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { DeviceName } from '../devices/device.js';
import type {
  AnyTensors,
  DeviceTensor,
  KeepingOptions,
  NamedTensors,
  Platform,
  PlatformOptions,
} from './platform.js';
import { type TensorData, tensorOf } from './tensorData.js';

/** Node's ONNX Runtime on one device of this machine. Opening throws where the device is absent. */
export function nodePlatformOn(device: DeviceName): Platform {
  const plain: Platform = { open: (model, options) => open(model, { ...options, device }) };
  // The binding keeps values on WebGPU devices alone; on the processor there is nothing to keep them from.
  if (device !== 'webgpu' && device !== 'cpu') return plain;
  return {
    ...plain,
    openKeeping: (model, options) => openKeeping(model, { ...options, device }),
    hasOwnMemory: device === 'webgpu',
  };
}

export const nodePlatform = nodePlatformOn('cpu');

async function open(
  model: Uint8Array,
  options: PlatformOptions & { readonly device: DeviceName },
): ReturnType<Platform['open']> {
  const session = await InferenceSession.create(model, sessionOptions(options));
  const nothing = Object.fromEntries(session.outputNames.map((name) => [name, null]));
  return {
    async run(feeds, into) {
      const direct = Object.fromEntries(Object.entries(into).filter(([, tensor]) => !isShared(tensor)));
      const results = await session.run(toOrt(feeds), { ...nothing, ...toOrt(direct) });
      const copies = Object.entries(direct).flatMap(([name, { data }]) => {
        const copy = (results[name]!.data as TensorData['data']).buffer as ArrayBuffer;
        return copy === data.buffer ? [] : [copy];
      });
      const delivery = Object.entries(results).map(([name, result]) => [name, delivered(result, into[name])]);
      drop(copies);
      return Object.fromEntries(delivery);
    },
    async release() {
      if (options.profilePrefix !== undefined) session.endProfiling();
      await session.release();
    },
  };
}

async function openKeeping(
  model: Uint8Array,
  options: KeepingOptions & { readonly device: DeviceName },
): ReturnType<NonNullable<Platform['openKeeping']>> {
  const { device, keep } = options;
  const session = await InferenceSession.create(model, {
    ...sessionOptions(options),
    ...(device === 'webgpu' ? { preferredOutputLocation: onDevice(keep) } : {}),
  });
  return {
    async run(feeds) {
      const kept: Record<string, DeviceTensor> = {};
      const read: Record<string, TensorData> = {};
      for (const [name, result] of Object.entries(await session.run(anyToOrt(feeds)))) {
        if (keep.includes(name)) kept[name] = deviceTensor(result);
        else read[name] = delivered(result, undefined);
      }
      return { kept, read };
    },
    async release() {
      if (options.profilePrefix !== undefined) session.endProfiling();
      await session.release();
    },
  };
}

/** What is kept between runs comes to twice the estimate at most; more than half of what is free is too much. */
const KEPT_SHARE = 4;

function isMemoryShort(workingBytes: number): boolean {
  return KEPT_SHARE * workingBytes > process.availableMemory();
}

function sessionOptions({
  threads,
  workingBytes = 0,
  lean = isMemoryShort(workingBytes),
  profilePrefix,
  device,
}: PlatformOptions & { readonly device: DeviceName }): InferenceSession.SessionOptions {
  return {
    executionProviders: device === 'cpu' ? ['cpu'] : [device, 'cpu'],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    // A plan of the whole run's memory is held beside what the first run took before there was a plan: for nothing.
    enableMemPattern: false,
    enableCpuMemArena: !lean,
    graphOptimizationLevel: 'all',
    // Warnings about harmless leftovers of fusion are not for users.
    logSeverityLevel: 3,
    // Several processes share the cores: idle threads sleep instead of spinning. (Not set: `set_denormal_as_zero`. It
    // would spare the softmax of masked scores 5 % of a step, but it changes the arithmetic of this thread's JavaScript
    // for good: 1e-310 * 2 becomes 0.)
    extra: { session: { intra_op: { allow_spinning: '0' } } },
    ...(profilePrefix === undefined ? {} : { enableProfiling: true, profileFilePrefix: profilePrefix }),
  };
}

/**
 * Frees memory now that the garbage collector would free later. The binding returns a copy of every output, those in
 * `into` as well; for a large model that is as much again as its gradient. Posting hands the memory to a port that is
 * closed, and with it the memory ends.
 */
function drop(buffers: readonly ArrayBuffer[]): void {
  if (buffers.length > 0) sink.postMessage(null, buffers);
}

const { port1: sink, port2: nobody } = new MessageChannel();
nobody.close();
sink.unref();

/** The binding refuses memory shared between threads; such tensors take the way of one copy. */
function isShared({ data }: TensorData): boolean {
  return typeof SharedArrayBuffer !== 'undefined' && data.buffer instanceof SharedArrayBuffer;
}

const onDevice = (keep: readonly string[]): Record<string, 'gpu-buffer'> =>
  Object.fromEntries(keep.map((name) => [name, 'gpu-buffer']));

function deviceTensor(tensor: Tensor): DeviceTensor {
  const { dims, location, type } = tensor;
  let released = false;
  const release = (): void => {
    if (released) return;
    released = true;
    if (location === 'cpu') drop([(tensor.data as TensorData['data']).buffer as ArrayBuffer]);
    tensor.dispose();
  };
  return { shape: dims, dtype: type as DeviceTensor['dtype'], handle: tensor, release };
}

function anyToOrt(tensors: AnyTensors): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => [
      name,
      'handle' in tensor ? (tensor.handle as Tensor) : ortTensor(tensor),
    ]),
  );
}

function delivered({ data, dims }: Tensor, into: TensorData | undefined): TensorData {
  if (!into) return tensorOf(data as TensorData['data'], dims);
  if (isShared(into)) into.data.set(data as TensorData['data']);
  return into;
}

function toOrt(tensors: NamedTensors): Record<string, Tensor> {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, ortTensor(tensor)]));
}

function ortTensor(tensor: TensorData): Tensor {
  const data = isShared(tensor) ? tensor.data.slice() : tensor.data; // the slice lies in private memory
  return new Tensor(tensor.dtype, data, tensor.shape);
}
