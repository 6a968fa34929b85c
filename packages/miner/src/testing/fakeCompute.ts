/**
 * @file A model whose training can be computed by hand, for tests of the session: the loss is half the mean square
 * distance to a target, so the gradient is (parameters − target)/n, whatever the rows are.
 */
import type { ModelMessage, TaskSettings, TensorLayout } from '@alice/protocol';
import { layoutOf } from '@alice/protocol';
import { createAdamW } from '@alice/training';
import type { Compute, GradientShape } from '../compute.js';

export const FAKE_MODEL: ModelMessage = {
  name: 'fake',
  layers: 1,
  width: 8,
  heads: 1,
  kvHeads: 1,
  ffn: 8,
  context: 4,
  vocab: 16,
  ropeTheta: 1e4,
  normEps: 1e-5,
};
export const FAKE_LAYOUT: TensorLayout = layoutOf([
  ['a', [40, 10]],
  ['b', [7]],
]);

export interface FakeComputeOptions {
  /** Called at each gradient; may throw, or return a loss to report instead of the true one. */
  readonly onGradient?: (shape: GradientShape) => number | undefined;
}

export function fakeCompute({ onGradient }: FakeComputeOptions = {}): Compute {
  return {
    layoutOf: () => FAKE_LAYOUT,
    gradientFunction: async (_model, shape) => ({
      ...shape,
      run: async (parameters, _tokens, gradient) => {
        const told = onGradient?.(shape);
        let sum = 0;
        for (let i = 0; i < gradient.length; i++) {
          const distance = parameters[i]! - targetAt(i);
          gradient[i] = distance / gradient.length;
          sum += distance ** 2;
        }
        return told ?? sum / gradient.length / 2;
      },
      dispose: async () => {},
    }),
    optimizer: async (_settings, layout) => createAdamW(layout, { weightDecay: 0 }),
  };
}

export const targetAt = (i: number): number => Math.sin(i);

export const FAKE_SETTINGS: TaskSettings = {
  optimizer: 'adamw',
  innerSteps: 6,
  rowsPerStep: 4,
  sequenceLength: 2,
  learningRates: Array(6).fill(0.01),
  weightDecay: 0,
  gradientClip: 1e9,
  density: 0.25,
  errorFeedbackDecay: 1,
};
