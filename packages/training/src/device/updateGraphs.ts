/**
 * @file An optimiser's step as graphs, so that it runs where weights, gradients and its own sums lie. What it carries is
 * the same numbers in the same order as in `InnerOptimizer.carried`: a task may be trained on a device, the next one on
 * the processor. Types only.
 */
import type { Shape, Value } from '@alice/engine';
import type { DevicePart } from '@alice/model';

/** Where a tensor that is carried lies among the vectors of `InnerOptimizer.carried`. */
export interface CarriedTensor {
  readonly shape: Shape;
  readonly vector: number;
  readonly offset: number;
}

export interface UpdateInputs {
  readonly weight: Value;
  /** To be multiplied by the scalar `factor`: clipping, the mean over micro-batches and the loss scale in one. */
  readonly gradient: Value;
  readonly carried: readonly Value[];
  /** A number fed at each step, by its name. */
  readonly scalar: (name: string) => Value;
}

export interface Updated {
  readonly weight: Value;
  readonly carried: readonly Value[];
}

export interface UpdateGraphs {
  /** What of a part is carried; parts of equal tensors carry equal shapes. */
  carriedBy(part: DevicePart): readonly CarriedTensor[];
  updated(part: DevicePart, inputs: UpdateInputs): Updated;
  /** The scalars of a step but `factor`. `steps` ≥ 1 counts this one. */
  scalarsAt(at: { readonly steps: number; readonly learningRate: number }): Readonly<Record<string, number>>;
}
