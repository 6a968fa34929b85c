/** @file What a platform's ONNX Runtime must offer: open a model, run it. One implementation a platform, nothing else. */
import type { ValueType } from '../graph/value.js';
import type { TensorData } from './tensorData.js';

export interface PlatformOptions {
  /** Threads one run may use within an op; ≥ 1. */
  readonly threads: number;
  /**
   * Give memory back to the system as soon as an op is done with it, instead of keeping it for the next run. For large
   * models: the peak is then what lives at once, but memory new from the system costs time. Default: where memory is
   * short.
   */
  readonly lean?: boolean | undefined;
  /** Estimate of the intermediate values alive at once; filled in by `openSession`. */
  readonly workingBytes?: number;
  /** Write ONNX Runtime's trace of every op to files with this prefix when the session ends. Slows runs. */
  readonly profilePrefix?: string;
}

export interface PlatformSession {
  /** Computes all outputs. Those named in `into` are written there, the others into new arrays. */
  run(feeds: NamedTensors, into: NamedTensors): Promise<NamedTensors>;
  release(): Promise<void>;
}

export type NamedTensors = Readonly<Record<string, TensorData>>;

/** Numbers that lie where a session computed them, until they are released. */
export interface DeviceTensor extends ValueType {
  /** What the platform that made it knows it by. */
  readonly handle: unknown;
  /** Gives the memory back. May be called twice. */
  release(): void;
}

export type AnyTensors = Readonly<Record<string, TensorData | DeviceTensor>>;

export interface KeepingOptions extends PlatformOptions {
  /** Outputs that stay on the device. */
  readonly keep: readonly string[];
}

export interface KeepingResults {
  readonly kept: Readonly<Record<string, DeviceTensor>>;
  readonly read: NamedTensors;
}

export interface KeepingSession {
  run(feeds: AnyTensors): Promise<KeepingResults>;
  release(): Promise<void>;
}

export interface Platform {
  open(model: Uint8Array, options: PlatformOptions): Promise<PlatformSession>;
  /** Opens a model some of whose outputs stay on the device. Absent where the runtime hands back every output. */
  readonly openKeeping?: (model: Uint8Array, options: KeepingOptions) => Promise<KeepingSession>;
  /** True where a value that is kept spares a way over a bus: training then keeps weights there between steps. */
  readonly hasOwnMemory?: boolean;
}
