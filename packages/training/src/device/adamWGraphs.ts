/** @file AdamW as a graph: the formula of `createAdamW`, element by element, whatever tensors a part is made of. */
import { add, div, mul, scalar, sqrt, sub } from '@alice/engine';
import type { UpdateGraphs } from './updateGraphs.js';

export interface AdamWFactors {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
}

export function adamWGraphs({ beta1, beta2, epsilon, weightDecay }: AdamWFactors): UpdateGraphs {
  return {
    carriedBy: ({ shape, offset }) => [0, 1].map((vector) => ({ shape, vector, offset })),
    updated(_, { weight, gradient, carried, scalar: fed }) {
      const g = mul(gradient, fed('factor'));
      const m = add(mul(carried[0]!, scalar(beta1)), mul(g, scalar(1 - beta1)));
      const v = add(mul(carried[1]!, scalar(beta2)), mul(mul(g, g), scalar(1 - beta2)));
      const root = add(sqrt(mul(v, fed('second scale'))), scalar(epsilon));
      const change = div(mul(m, fed('rate')), root);
      return { weight: sub(mul(weight, fed('keep')), change), carried: [m, v] };
    },
    scalarsAt: ({ steps, learningRate }) => ({
      keep: 1 - learningRate * weightDecay,
      rate: learningRate / (1 - beta1 ** steps),
      'second scale': 1 / (1 - beta2 ** steps),
    }),
  };
}
