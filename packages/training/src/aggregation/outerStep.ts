/** @file The outer step: the round's delta onto the server's FP32 master weights, through the one place that adds. */
import { applyDelta } from '../applyDelta.js';
import { denseDelta } from '../flatDelta.js';

export interface OuterStepOptions {
  /** FP32 master weights, updated in place. */
  readonly master: Float32Array;
  /** The aggregate: theta_new − theta_old, to be added. */
  readonly delta: Float32Array;
  /** 1 is a plain step. Supports barely overlap, so a mean shrinks as miners grow: re-tune it then. No momentum: it
   * was measured to harm with error feedback (SPEC TRAIN-2). */
  readonly learningRate: number;
}

/** theta ← theta + learningRate · delta; returns the number of changed elements (SPEC TRAIN-4's alarm watches it). */
export function outerStep({ master, delta, learningRate }: OuterStepOptions): number {
  return applyDelta(master, denseDelta(delta), learningRate);
}
