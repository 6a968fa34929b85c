/** @file What local training needs from an optimiser: update in place, and carry what must survive a restart. */
import type { UpdateGraphs } from '../device/updateGraphs.js';

export interface OptimizerStep {
  /** Updated in place. */
  readonly parameters: Float32Array;
  /** Mean gradient of the batch, already clipped and finite. Read only. */
  readonly gradient: Float32Array;
  readonly learningRate: number;
}

/** What goes from step to step. The vectors are the optimiser's own: who writes them changes its state. */
export interface Carried {
  /** Steps taken. */
  steps: number;
  readonly vectors: readonly Float32Array[];
}

export interface InnerOptimizer {
  step(step: OptimizerStep): Promise<void>;
  /** What a miner keeps between tasks, as checked bytes. */
  exportState(): Uint8Array;
  /** Throws `STATE_INVALID` when the bytes are damaged or belong to another optimiser or model; then nothing changed. */
  importState(bytes: Uint8Array): void;
  /** For whoever takes steps elsewhere: taken along, and written back afterwards. */
  readonly carried: Carried;
  /** The same step as graphs. */
  readonly graphs: UpdateGraphs;
  dispose(): Promise<void>;
}
