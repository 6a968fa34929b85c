/**
 * @file AdamW with persistent state (two dense FP32 vectors). The state must be carried across rounds: resetting it
 * each round was measured to harm (SPEC TRAIN-2), so `exportState` belongs into the miner's store.
 */
import type { TensorLayout } from '@alice/protocol';
import { adamWGraphs } from '../device/adamWGraphs.js';
import { requireLength, TrainingError } from '../errors.js';
import { openState, sealState } from '../sealedState.js';
import type { Carried, InnerOptimizer } from './innerOptimizer.js';
import { decayWeights } from './weightDecay.js';

const KIND = 'ADMW';

export interface AdamWOptions {
  /** Decay of the first moment, in [0, 1). */
  readonly beta1?: number;
  /** Decay of the second moment, in [0, 1). */
  readonly beta2?: number;
  /** Added to the root of the second moment. */
  readonly epsilon?: number;
  /** Decoupled weight decay per unit of learning rate. */
  readonly weightDecay?: number;
}

/**
 * AdamW over the whole flat vector.
 * Formula (Kingma and Ba 2015, alg. 1; Loshchilov and Hutter 2019): m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g²,
 * theta ← theta(1 − lr·wd) − lr · m̂ / (√v̂ + ε), with m̂ = m/(1−β₁ᵗ), v̂ = v/(1−β₂ᵗ).
 */
export function createAdamW(layout: TensorLayout, options: AdamWOptions = {}): InnerOptimizer {
  const { beta1 = 0.9, beta2 = 0.95, epsilon = 1e-8, weightDecay = 0.01 } = options;
  const first = new Float32Array(layout.size);
  const second = new Float32Array(layout.size);
  const carried: Carried = { steps: 0, vectors: [first, second] };

  const step: InnerOptimizer['step'] = async ({ parameters, gradient, learningRate }) => {
    requireLength('the gradient', gradient.length, layout.size);
    requireLength('the parameter vector', parameters.length, layout.size);
    const steps = ++carried.steps;
    decayWeights(parameters, learningRate, weightDecay);
    const firstScale = 1 / (1 - beta1 ** steps);
    const secondScale = 1 / (1 - beta2 ** steps);
    for (let i = 0; i < gradient.length; i++) {
      const g = gradient[i]!;
      const m = beta1 * first[i]! + (1 - beta1) * g;
      const v = beta2 * second[i]! + (1 - beta2) * g * g;
      first[i] = m;
      second[i] = v;
      parameters[i]! -= (learningRate * m * firstScale) / (Math.sqrt(v * secondScale) + epsilon);
    }
  };

  const importState = (bytes: Uint8Array): void => {
    const { facts, vectors } = openState(KIND, bytes);
    if (facts['size'] !== layout.size || vectors.length !== 2) {
      throw new TrainingError(
        { code: 'STATE_INVALID', kind: KIND, reason: 'another model' },
        `the AdamW state is for ${facts['size']} parameters, the model has ${layout.size}: delete it and start anew`,
      );
    }
    carried.steps = facts['steps'] ?? 0;
    first.set(vectors[0]!);
    second.set(vectors[1]!);
  };

  return {
    step,
    exportState: () =>
      sealState(KIND, { facts: { steps: carried.steps, size: layout.size }, vectors: carried.vectors }),
    importState,
    carried,
    graphs: adamWGraphs({ beta1, beta2, epsilon, weightDecay }),
    dispose: async () => {},
  };
}
