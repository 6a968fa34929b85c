/**
 * @file ONNX Runtime for browsers: WebAssembly on the CPU, or WebGPU where the browser has it. Made for a web worker:
 * `run` keeps the worker's thread busy on WebAssembly. The runtime's files come from the page's own origin and are
 * fetched when the platform is opened, never before. Weights are copied into the runtime's memory at each run.
 */
import type { InferenceSession, Tensor } from 'onnxruntime-web';
import { EngineError } from '../errors.js';
import type { AnyTensors, DeviceTensor, KeepingOptions, Platform, PlatformOptions } from './platform.js';
import { type TensorData, tensorOf } from './tensorData.js';

export type WebDevice = 'wasm' | 'webgpu';

export interface WebPlatformOptions {
  readonly device: WebDevice;
  /** Threads of the WebAssembly; more than one needs a page that is cross-origin isolated. */
  readonly threads: number;
  /** Folder the runtime's `.mjs` and `.wasm` files are served from, ending in a slash. */
  readonly filesUrl: string;
}

type Runtime = typeof import('onnxruntime-web');

/**
 * Loads the runtime of a device. One device a thread: the runtime keeps one WebAssembly instance for good.
 * Throws `DEVICE_UNAVAILABLE`.
 */
export async function openWebPlatform({ device, threads, filesUrl }: WebPlatformOptions): Promise<Platform> {
  const runtime: Runtime =
    device === 'webgpu' ? await import('onnxruntime-web/jspi') : await import('onnxruntime-web/wasm');
  runtime.env.wasm.wasmPaths = filesUrl;
  runtime.env.wasm.numThreads = canShareMemory() ? threads : 1;
  runtime.env.logLevel = 'error';
  if (device === 'webgpu') await requireGpu();
  const plain: Platform = { open: (model, options) => openOn(runtime, device, { model, options }) };
  if (device !== 'webgpu') return plain;
  return {
    ...plain,
    openKeeping: (model, options) => openKeeping(runtime, model, options),
    hasOwnMemory: true,
  };
}

async function openOn(
  runtime: Runtime,
  device: WebDevice,
  { model, options }: { readonly model: Uint8Array; readonly options: PlatformOptions },
): ReturnType<Platform['open']> {
  const session = await runtime.InferenceSession.create(model, sessionOptions(device, options));
  return {
    async run(feeds, into) {
      const inputs = toRuntime(runtime, feeds);
      const results = await session.run(inputs);
      const delivery = Object.entries(results).map(([name, result]) => [name, delivered(result, into[name])]);
      for (const result of Object.values(results)) result.dispose();
      return Object.fromEntries(delivery);
    },
    release: () => session.release(),
  };
}

async function openKeeping(
  runtime: Runtime,
  model: Uint8Array,
  options: KeepingOptions,
): ReturnType<NonNullable<Platform['openKeeping']>> {
  const preferredOutputLocation = Object.fromEntries(
    options.keep.map((name) => [name, 'gpu-buffer' as const]),
  );
  const session = await runtime.InferenceSession.create(model, {
    ...sessionOptions('webgpu', options),
    preferredOutputLocation,
  });
  return {
    async run(feeds) {
      const kept: Record<string, DeviceTensor> = {};
      const read: Record<string, TensorData> = {};
      for (const [name, result] of Object.entries(await session.run(toRuntime(runtime, feeds)))) {
        if (options.keep.includes(name)) kept[name] = deviceTensor(result);
        else {
          read[name] = delivered(result, undefined);
          result.dispose();
        }
      }
      return { kept, read };
    },
    release: () => session.release(),
  };
}

function deviceTensor(tensor: Tensor): DeviceTensor {
  const { dims, type } = tensor;
  let released = false;
  const release = (): void => {
    if (released) return;
    released = true;
    tensor.dispose();
  };
  return { shape: dims, dtype: type as DeviceTensor['dtype'], handle: tensor, release };
}

function sessionOptions(
  device: WebDevice,
  { lean = false }: PlatformOptions,
): InferenceSession.SessionOptions {
  return {
    executionProviders: [device],
    executionMode: 'sequential',
    enableMemPattern: false,
    enableCpuMemArena: !lean,
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
    // The page and other programs need the cores: idle threads sleep instead of spinning.
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  };
}

function delivered({ data, dims }: Tensor, into: TensorData | undefined): TensorData {
  if (!into) return tensorOf((data as TensorData['data']).slice(), dims);
  into.data.set(data as TensorData['data']);
  return into;
}

function toRuntime({ Tensor }: Runtime, tensors: AnyTensors): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => [
      name,
      'handle' in tensor ? (tensor.handle as Tensor) : new Tensor(tensor.dtype, tensor.data, tensor.shape),
    ]),
  );
}

/** Browsers share memory between threads only in pages that are isolated from other origins. */
function canShareMemory(): boolean {
  return (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated === true;
}

interface GpuAdapter {
  /** True for a GPU drawn by the CPU. */
  readonly isFallbackAdapter?: boolean;
  readonly info?: { readonly isFallbackAdapter?: boolean; readonly architecture?: string };
}
interface Gpu {
  requestAdapter(): Promise<GpuAdapter | null>;
}

/** True where this thread can compute through WebGPU and wait for it from WebAssembly. `software`: on the CPU counts too. */
export async function hasWebGpu({ software }: { readonly software: boolean }): Promise<boolean> {
  const { gpu } = globalThis.navigator as unknown as { gpu?: Gpu };
  if (gpu === undefined || !('Suspending' in WebAssembly)) return false;
  const adapter = await gpu.requestAdapter().catch(() => null);
  if (adapter === null) return false;
  const { isFallbackAdapter = false, info } = adapter;
  const isSoftware = isFallbackAdapter || info?.isFallbackAdapter || info?.architecture === 'swiftshader';
  return software || !isSoftware;
}

async function requireGpu(): Promise<void> {
  if (await hasWebGpu({ software: true })) return;
  throw new EngineError(
    { code: 'DEVICE_UNAVAILABLE', device: 'webgpu' },
    'this browser offers no WebGPU here: compute with WebAssembly instead',
  );
}
