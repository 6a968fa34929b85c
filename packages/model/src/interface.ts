/** @file What training and scoring need from a model: gradients of a batch, losses of a batch. Nothing else. */

/** Computes the loss of a micro-batch of an objective, and its gradient. */
export interface BatchGradient<Batch> {
  /** `gradient` is overwritten. Returns the loss in nats. */
  run(parameters: Float32Array, batch: Batch, gradient: Float32Array): Promise<number>;
}

/** Computes the mean loss of one micro-batch and its gradient. Shapes are fixed when it is made. */
export interface GradientFunction extends BatchGradient<Uint16Array> {
  readonly batch: number;
  readonly sequenceLength: number;
  /**
   * `tokens`: batch × (sequenceLength + 1) ids, row-major; inputs and labels are made from them by the one function
   * `splitInputsAndLabels` (MODEL-3). `parameters` and `gradient` are flat FP32 vectors in layout order; `gradient`
   * is overwritten. Returns the mean loss in nats.
   */
  run(parameters: Float32Array, tokens: Uint16Array, gradient: Float32Array): Promise<number>;
  dispose(): Promise<void>;
}

/** Computes the mean loss of each sequence. Shapes are fixed when it is made. */
export interface LossFunction {
  readonly batch: number;
  readonly sequenceLength: number;
  /**
   * `tokens`: any number n of rows × (sequenceLength + 1) ids. Returns n mean losses in nats, FP32 compute. The result
   * of a row never depends on which other rows are in the call beyond floating-point noise.
   */
  run(parameters: Float32Array, tokens: Uint16Array): Promise<Float64Array>;
  dispose(): Promise<void>;
}
