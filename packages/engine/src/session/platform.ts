/** @file What a platform's ONNX Runtime must offer: open a model, run it. One implementation a platform, nothing else. */
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

export interface Platform {
  open(model: Uint8Array, options: PlatformOptions): Promise<PlatformSession>;
}
