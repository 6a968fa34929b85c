/**
 * @file Which device a browser computes on: WebGPU where it is there, is real hardware, and multiplies matrices right;
 * WebAssembly otherwise. A GPU that only pretends (drawn by the CPU) is slower than WebAssembly and taken only by name.
 */
import {
  hasWebGpu,
  input,
  matmul,
  openSession,
  openWebPlatform,
  type Platform,
  tensorOf,
  type WebDevice,
  type WebPlatformOptions,
} from '@alice/engine';

export type DeviceChoice = 'auto' | WebDevice;

export interface ChosenDevice {
  readonly device: WebDevice;
  readonly platform: Platform;
  /** Why not WebGPU, when it was not taken although it might have been. */
  readonly note: string;
}

type Wanted = Omit<WebPlatformOptions, 'device'>;

/** Throws `DEVICE_UNAVAILABLE`, `SESSION_FAILED` when a device is asked for by name and does not work. */
export async function chooseDevice(choice: DeviceChoice, wanted: Wanted): Promise<ChosenDevice> {
  if (choice !== 'auto') return { device: choice, platform: await openChecked(choice, wanted), note: '' };
  let note = '';
  if (await hasWebGpu({ software: false }))
    try {
      return { device: 'webgpu', platform: await openChecked('webgpu', wanted), note };
    } catch {
      note = 'this GPU does not compute what it should';
    }
  return { device: 'wasm', platform: await openChecked('wasm', wanted), note };
}

async function openChecked(device: WebDevice, wanted: Wanted): Promise<Platform> {
  const platform = await openWebPlatform({ device, ...wanted });
  await checkProduct(platform, wanted.threads);
  return platform;
}

const SIDE = 8;

/** [i + j] · [i + j] has Σ (i + k)(k + j) at (i, j): small whole numbers, exact in any floating-point format here. */
async function checkProduct(platform: Platform, threads: number): Promise<void> {
  const x = input('x', [SIDE, SIDE]);
  const session = await openSession({ product: matmul(x, x) }, { threads, platform });
  const cells = Float32Array.from({ length: SIDE * SIDE }, (_, at) => Math.floor(at / SIDE) + (at % SIDE));
  const { product } = await session.run({ x: tensorOf(cells, [SIDE, SIDE]) });
  await session.release();
  product!.data.forEach((value, at) => {
    let expected = 0;
    for (let k = 0; k < SIDE; k++) expected += (Math.floor(at / SIDE) + k) * (k + (at % SIDE));
    if (value !== expected) throw new Error(`a product of matrices came out as ${value}, not ${expected}`);
  });
}
