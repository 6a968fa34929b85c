/**
 * @file Plain gradient descent without state or decay: the whitepaper's literal update (WP 2.4), kept as a preset so
 * that it can be measured beside the default. Not for training that should learn (SPEC TRAIN-2).
 */
import { sgdGraphs } from '../device/sgdGraphs.js';
import { TrainingError } from '../errors.js';
import { openState, sealState } from '../sealedState.js';
import type { InnerOptimizer } from './innerOptimizer.js';

const KIND = 'SGD0';

/** Formula: theta ← theta − lr · g. */
export function createSgd(): InnerOptimizer {
  return {
    step: async ({ parameters, gradient, learningRate }) => {
      for (let i = 0; i < gradient.length; i++) parameters[i]! -= learningRate * gradient[i]!;
    },
    exportState: () => sealState(KIND, { facts: {}, vectors: [] }),
    importState: (bytes) => {
      if (openState(KIND, bytes).vectors.length > 0)
        throw new TrainingError(
          { code: 'STATE_INVALID', kind: KIND, reason: 'not empty' },
          'SGD carries no state',
        );
    },
    carried: { steps: 0, vectors: [] },
    graphs: sgdGraphs,
    dispose: async () => {},
  };
}
