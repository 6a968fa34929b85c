/**
 * @file Momentum-free Muon on hidden matrices, factored Adafactor on embedding, head and norms (SPEC TRAIN-3).
 * No dense state: a miner that joins late is equal at once, and only row and column sums outlive a task.
 * Method: Jordan et al. 2024, "Muon"; update scale 0.2·√max(dim) after Liu et al. 2025, "Muon is scalable for LLM
 * training", §2.2 (matches AdamW's update RMS, so that one learning rate serves both kinds of tensor).
 */
import type { TensorLayout, TensorSpec } from '@alice/protocol';
import { muonGraphs } from '../device/muonGraphs.js';
import { requireLength } from '../errors.js';
import { openState, sealState } from '../sealedState.js';
import { adafactorStep, emptyFactoredState, secondMomentDecay } from './factoredAdafactor.js';
import type { Carried, InnerOptimizer, OptimizerStep } from './innerOptimizer.js';
import { isHiddenMatrix, type MatrixGroup, matrixGroups, packGroup, unpackGroup } from './matrixGroups.js';
import { type Orthogonalizer, type OrthogonalizerOptions, openOrthogonalizer } from './openOrthogonalizer.js';
import type { Orthogonalize } from './orthogonalize.js';
import { requireOwnState } from './ownState.js';
import { decayWeights } from './weightDecay.js';

const KIND = 'MUON';
/** Root-mean-square of an orthogonal matrix times this times √max(dim) is what AdamW's update typically measures. */
const UPDATE_RMS = 0.2;

export interface MuonOptions extends OrthogonalizerOptions {
  /** Decoupled weight decay per unit of learning rate. */
  readonly weightDecay?: number;
}

/**
 * Opens the optimiser with its graphs.
 * Formula for a hidden matrix W: W ← W(1 − lr·wd) − lr · 0.2 · √max(dim W) · orthogonalize(G).
 */
export async function createMuon(layout: TensorLayout, options: MuonOptions): Promise<InnerOptimizer> {
  return muonWith(layout, openOrthogonalizer(options), options.weightDecay);
}

/** The optimiser on a given way to orthogonalise; disposing it disposes that too. */
export function muonWith(
  layout: TensorLayout,
  orthogonalizer: Orthogonalizer,
  weightDecay = 0.01,
): InnerOptimizer {
  const { orthogonalize } = orthogonalizer;
  const groups = matrixGroups(layout);
  const others = layout.tensors.filter((spec) => !isHiddenMatrix(spec));
  const states = others.map(emptyFactoredState);
  const vectors = states.flatMap(({ rows, columns }) => [rows, columns]);
  const carried: Carried = { steps: 0, vectors };

  const step = async (inputs: OptimizerStep): Promise<void> => {
    requireLength('the gradient', inputs.gradient.length, layout.size);
    requireLength('the parameter vector', inputs.parameters.length, layout.size);
    carried.steps++;
    decayWeights(inputs.parameters, inputs.learningRate, weightDecay);
    for (const group of groups) await stepGroup(group, inputs, orthogonalize);
    const beta2 = secondMomentDecay(carried.steps);
    others.forEach((spec, i) => {
      const part = (flat: Float32Array) => flat.subarray(spec.offset, spec.offset + spec.size);
      const { parameters, gradient, learningRate } = inputs;
      adafactorStep(spec, states[i]!, {
        parameters: part(parameters),
        gradient: part(gradient),
        learningRate,
        beta2,
      });
    });
  };

  return {
    step,
    exportState: () =>
      sealState(KIND, {
        facts: { steps: carried.steps, size: layout.size },
        vectors,
      }),
    importState: (bytes) => {
      const content = openState(KIND, bytes);
      requireOwnState(KIND, content, { layout, vectors });
      vectors.forEach((vector, i) => {
        vector.set(content.vectors[i]!);
      });
      carried.steps = content.facts['steps'] ?? 0;
    },
    carried,
    graphs: muonGraphs(layout, { weightDecay, updateRms: UPDATE_RMS }),
    dispose: () => orthogonalizer.dispose(),
  };
}

async function stepGroup(
  group: MatrixGroup,
  inputs: OptimizerStep,
  orthogonalize: Orthogonalize,
): Promise<void> {
  const { parameters, gradient, learningRate } = inputs;
  const update = await orthogonalize(packGroup(gradient, group), group);
  const rate = learningRate * UPDATE_RMS * Math.sqrt(group.columns); // columns is the larger dimension
  unpackGroup(update, group, ({ offset }: TensorSpec, matrix) => {
    for (let i = 0; i < matrix.length; i++) parameters[offset + i]! -= rate * matrix[i]!;
  });
}
