/** @file What local training needs from an optimiser: update in place, and carry what must survive a restart. */

export interface OptimizerStep {
  /** Updated in place. */
  readonly parameters: Float32Array;
  /** Mean gradient of the batch, already clipped and finite. Read only. */
  readonly gradient: Float32Array;
  readonly learningRate: number;
}

export interface InnerOptimizer {
  step(step: OptimizerStep): Promise<void>;
  /** What a miner keeps between tasks, as checked bytes. */
  exportState(): Uint8Array;
  /** Throws `STATE_INVALID` when the bytes are damaged or belong to another optimiser or model; then nothing changed. */
  importState(bytes: Uint8Array): void;
  dispose(): Promise<void>;
}
