/**
 * @file Finds out which devices of this machine compute correctly, and how fast: each kind is tried in a process of its
 * own, because a driver that crashes or hangs must take nothing else with it. Node only.
 */
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { listSupportedBackends } from 'onnxruntime-node';
import { EngineError } from '../errors.js';
import { DEVICES, type DeviceName, type DeviceReport } from './device.js';
import { deviceMemory } from './deviceMemory.js';
import type { ProbeAnswer } from './probeDevice.js';

export interface DetectOptions {
  readonly devices?: readonly DeviceName[];
  /** Threads the processor's own rate is measured with; all unless given. */
  readonly threads?: number;
  /** A driver that needs longer counts as broken. */
  readonly timeoutMs?: number;
  /** The program that tries one device; tests put another in its place. */
  readonly program?: string;
}

const TIMEOUT_MS = 60_000;
const PROGRAM = fileURLToPath(new URL('./probeDevice.js', import.meta.url));

/** ONNX Runtime's own, wherever it lies; it is left out when Alice is installed. */
const INSTALLER = join(
  dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json')),
  'script',
  'install.js',
);

const REMEDIES: Readonly<Record<DeviceName, string>> = {
  cpu: 'delete node_modules and install again; ONNX Runtime needs a 64-bit Linux, macOS or Windows',
  cuda: `needs an NVIDIA card on Linux, CUDA 12 with cuDNN 9, and the provider's libraries: "node ${INSTALLER} --onnxruntime-node-install=cuda12" fetches them`,
  webgpu:
    "needs a graphics driver with Vulkan (Linux: libvulkan1 and the vendor's driver), Metal or Direct3D 12",
  dml: 'exists on Windows only',
  coreml: 'exists on macOS only',
};

/** A report for each kind, in the order asked. Never throws for what is wrong with a device. Cost: seconds each. */
export async function detectDevices(options: DetectOptions = {}): Promise<DeviceReport[]> {
  const reports: DeviceReport[] = [];
  for (const device of options.devices ?? DEVICES) reports.push(await reportOf(device, options));
  return reports;
}

/**
 * The device to use: the one asked for, or, for `auto`, the fastest that is ready; the processor needs no trying.
 * Throws `DEVICE_UNAVAILABLE` with the reason and what to do.
 */
export async function chooseDevice(
  asked: DeviceName | 'auto',
  options: Omit<DetectOptions, 'devices'> = {},
): Promise<DeviceReport> {
  if (asked === 'auto') return fastest(await detectDevices(options));
  const [report] = await detectDevices({ ...options, devices: [asked] });
  if (report!.state === 'ready') return report!;
  throw new EngineError(
    { code: 'DEVICE_UNAVAILABLE', device: asked },
    `${asked} cannot be used: ${report!.reason}; ${report!.remedy}. --device auto takes what there is`,
  );
}

/** The ready device with the highest rate. Throws `DEVICE_UNAVAILABLE` where none is ready. */
export function fastest(reports: readonly DeviceReport[]): DeviceReport {
  const ready = reports.filter(({ state }) => state === 'ready');
  const [best] = ready.sort((a, b) => (b.gflops ?? 0) - (a.gflops ?? 0));
  if (best) return best;
  throw new EngineError(
    { code: 'DEVICE_UNAVAILABLE', device: 'auto' },
    `no device of this machine computes correctly: ${reports.map(({ device, reason }) => `${device}: ${reason}`).join('; ')}`,
  );
}

async function reportOf(device: DeviceName, options: DetectOptions): Promise<DeviceReport> {
  const known = listSupportedBackends().some(({ name }) => name === device);
  const answer: ProbeAnswer = known
    ? await ask(device, options)
    : { state: 'absent', reason: 'ONNX Runtime for this system does not have it' };
  const about = answer.state === 'absent' ? { name: '' } : await deviceMemory(device);
  if (answer.state === 'ready')
    return { device, state: 'ready', ...about, gflops: answer.gflops, reason: '', remedy: '' };
  return { device, state: answer.state, ...about, reason: answer.reason, remedy: REMEDIES[device] };
}

function ask(
  device: DeviceName,
  { threads = availableParallelism(), timeoutMs = TIMEOUT_MS, program = PROGRAM }: DetectOptions,
): Promise<ProbeAnswer> {
  return new Promise((resolve) => {
    const options = { timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: 1e7 } as const;
    execFile(process.execPath, [program, device, String(threads)], options, (error, stdout, stderr) => {
      const answer = parsed(stdout);
      if (answer) resolve({ ...answer, ...('reason' in answer && { reason: firstLine(answer.reason) }) });
      else resolve({ state: 'broken', reason: failure(error, stderr, timeoutMs) });
    });
  });
}

function parsed(stdout: string): ProbeAnswer | undefined {
  try {
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as ProbeAnswer;
  } catch {
    return undefined;
  }
}

function failure(
  error: (Error & { killed?: boolean; signal?: unknown }) | null,
  stderr: string,
  timeoutMs: number,
) {
  if (error?.killed) return `it did not answer within ${timeoutMs / 1000} s`;
  if (error?.signal) return `its driver crashed (${String(error.signal)})`;
  return firstLine(stderr) || 'its test ended without an answer';
}

/** Native messages begin with places in source files and go on for pages. */
function firstLine(text: string): string {
  const [line = ''] = text.trim().split('\n');
  const said = line.replace(/^.*? was false\. /, '').replace(/^ONNX Runtime refused the graph: /, '');
  return said.length > 160 ? `${said.slice(0, 160)}…` : said;
}
