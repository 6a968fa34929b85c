/**
 * @file Factored Adafactor without momentum on every tensor: all it carries are row and column means, 11 MB for Alice-7B,
 * and each tensor's step needs that tensor's gradient alone. So it serves models that are trained layer by layer, where
 * Muon's products would take many times as long as the gradient (at 256 tokens of Alice-7B some forty times).
 */
import type { TensorLayout } from '@alice/protocol';
import { adafactorGraphs } from '../device/adafactorGraphs.js';
import { requireLength } from '../errors.js';
import { openState, sealState } from '../sealedState.js';
import {
  adafactorStep,
  adafactorUpdate,
  emptyFactoredState,
  secondMomentDecay,
} from './factoredAdafactor.js';
import type { Carried, InnerOptimizer, OptimizerStep } from './innerOptimizer.js';
import { requireOwnState } from './ownState.js';
import { decayWeights } from './weightDecay.js';

const KIND = 'AFAC';

export interface AdafactorOptions {
  /** Decoupled weight decay per unit of learning rate. */
  readonly weightDecay?: number;
}

/** The optimiser of one step, a tensor at a time: for whoever never has the whole gradient. */
export interface TensorwiseStep {
  /** Makes the gradient of a tensor (by its place in the layout) its update, in place: what is to be added to the weights. */
  update(tensor: number, gradient: Float32Array): void;
}

export interface Adafactor extends InnerOptimizer {
  /** Begins a step. Weights do not decay in it: they are not at hand. */
  tensorwise(learningRate: number): TensorwiseStep;
}

/** Formula: theta ← theta·(1 − lr·wd) − lr · U / max(1, RMS(U)), U = G/√V̂ with factored V̂ (`adafactorStep`). */
export function createAdafactor(
  layout: TensorLayout,
  { weightDecay = 0.01 }: AdafactorOptions = {},
): Adafactor {
  const states = layout.tensors.map(emptyFactoredState);
  const vectors = states.flatMap(({ rows, columns }) => [rows, columns]);
  const carried: Carried = { steps: 0, vectors };

  const step = async ({ parameters, gradient, learningRate }: OptimizerStep): Promise<void> => {
    requireLength('the gradient', gradient.length, layout.size);
    requireLength('the parameter vector', parameters.length, layout.size);
    decayWeights(parameters, learningRate, weightDecay);
    const beta2 = secondMomentDecay(++carried.steps);
    for (const [i, spec] of layout.tensors.entries()) {
      const own = (flat: Float32Array) => flat.subarray(spec.offset, spec.offset + spec.size);
      const at = { parameters: own(parameters), gradient: own(gradient), learningRate, beta2 };
      adafactorStep(spec, states[i]!, at);
    }
  };

  return {
    step,
    tensorwise(learningRate) {
      const beta2 = secondMomentDecay(++carried.steps);
      return {
        update: (tensor, gradient) =>
          adafactorUpdate(layout.tensors[tensor]!, states[tensor]!, { gradient, learningRate, beta2 }),
      };
    },
    exportState: () => sealState(KIND, { facts: { steps: carried.steps, size: layout.size }, vectors }),
    importState(bytes) {
      const content = openState(KIND, bytes);
      requireOwnState(KIND, content, { layout, vectors });
      for (const [i, vector] of vectors.entries()) vector.set(content.vectors[i]!);
      carried.steps = content.facts['steps'] ?? 0;
    },
    carried,
    graphs: adafactorGraphs(layout, weightDecay),
    dispose: async () => {},
  };
}
