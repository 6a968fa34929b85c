/** @file Plain gradient descent as a graph: theta ← theta − lr · g. */
import { mul, sub } from '@alice/engine';
import type { UpdateGraphs } from './updateGraphs.js';

export const sgdGraphs: UpdateGraphs = {
  carriedBy: () => [],
  updated: (_, { weight, gradient, scalar }) => ({
    weight: sub(weight, mul(gradient, mul(scalar('factor'), scalar('rate')))),
    carried: [],
  }),
  scalarsAt: ({ learningRate }) => ({ rate: learningRate }),
};
