/**
 * @file Direct preference optimisation (Rafailov et al. 2023, arXiv:2305.18290, eq. 7): from pairs of a chosen and a
 * rejected answer, −log σ(m) with the margin m = β·[(log π(chosen) − log ρ(chosen)) − (log π(rejected) − log ρ(rejected))],
 * π the model that is trained and ρ the frozen reference. A log-probability is the sum over the tokens the mask marks.
 * The reference enters as numbers (`createLogProbabilityFunction`), so one model's weights are enough.
 */
import {
  input,
  mul,
  neg,
  reduceSum,
  reshape,
  scalar,
  sigmoid,
  slice,
  sub,
  tensorOf,
  type Value,
} from '@alice/engine';
import { ModelError } from '../errors.js';
import { type FunctionOptions, type Objective, openGradientSession } from '../gradientSession.js';
import type { LossGraph } from '../lossGraph.js';
import type { ModelConfig } from '../ModelConfig.js';
import { labelMask, type PreferencePairs } from './maskedRows.js';
import type { ObjectiveRecipe } from './recipe.js';

export interface PreferenceOptions extends Omit<FunctionOptions, 'batch'> {
  /** P: pairs of one run; twice as many rows are computed at once. */
  readonly pairs: number;
  /** β > 0: how dearly the model pays for leaving the reference; 0.1 is usual. */
  readonly beta: number;
}

export interface PreferenceBatch {
  readonly pairs: PreferencePairs;
  /** Of each pair, log ρ(chosen) − log ρ(rejected), nats. */
  readonly referenceMargins: Float64Array;
}

export interface PreferenceRun extends PreferenceBatch {
  readonly parameters: Float32Array;
  /** Overwritten. */
  readonly gradient: Float32Array;
}

export interface PreferenceResult {
  /** Mean over the pairs. */
  readonly lossNats: number;
  /** m of each pair; positive where the model prefers the chosen answer more than the reference does. */
  readonly margins: Float64Array;
}

export interface PreferenceGradientFunction {
  readonly pairs: number;
  readonly sequenceLength: number;
  /** Throws `MASK_SIZE`, `TOKENS_RAGGED`, `TOKEN_OUT_OF_RANGE`, `PARAMETERS_SIZE`. */
  run(run: PreferenceRun): Promise<PreferenceResult>;
  dispose(): Promise<void>;
}

const MASK = 'mask';
const REFERENCE = 'reference margins';

/** The objective for so many pairs at once. Throws `OBJECTIVE_INVALID`. */
export function preferences({
  pairs,
  beta,
  sequenceLength,
}: Pick<PreferenceOptions, 'pairs' | 'beta' | 'sequenceLength'>): ObjectiveRecipe<PreferenceBatch> {
  if (!(beta > 0 && Number.isFinite(beta)))
    throw new ModelError(
      { code: 'OBJECTIVE_INVALID', setting: 'beta', value: beta },
      `beta is ${beta}: it has to be a positive number, such as 0.1`,
    );
  const rows = 2 * pairs;
  return {
    objective: (graph) => preferenceObjective(graph, { pairs, sequenceLength, beta }),
    inputs({ pairs: { chosen, rejected }, referenceMargins }) {
      const mask = new Float32Array(rows * sequenceLength);
      mask.set(labelMask(chosen, sequenceLength));
      mask.set(labelMask(rejected, sequenceLength), pairs * sequenceLength);
      const tokens = new Uint16Array(chosen.tokens.length + rejected.tokens.length);
      tokens.set(chosen.tokens);
      tokens.set(rejected.tokens, chosen.tokens.length);
      const feeds = {
        [MASK]: tensorOf(mask, [rows, sequenceLength]),
        [REFERENCE]: tensorOf(Float32Array.from(referenceMargins), [pairs]),
      };
      return { tokens, feeds };
    },
    lossNats: ({ margins }) => preferenceLoss(Float64Array.from(margins!.data)),
  };
}

/** Compiles the function. Throws `SEQUENCE_TOO_LONG`, `OBJECTIVE_INVALID`. Cost: a gradient over 2·P rows. */
export async function createPreferenceGradientFunction(
  config: ModelConfig,
  { pairs, beta, ...options }: PreferenceOptions,
): Promise<PreferenceGradientFunction> {
  const { sequenceLength } = options;
  const recipe = preferences({ pairs, beta, sequenceLength });
  const session = await openGradientSession(config, { ...options, batch: 2 * pairs }, recipe.objective);
  return {
    pairs,
    sequenceLength,
    async run({ parameters, gradient, ...batch }) {
      const report = await session.run({ parameters, gradient, ...recipe.inputs(batch) });
      const margins = Float64Array.from(report['margins']!.data);
      return { lossNats: preferenceLoss(margins), margins };
    },
    dispose: () => session.dispose(),
  };
}

/** Mean of −log σ(m), without overflow for margins of any size. */
export function preferenceLoss(margins: Float64Array): number {
  const losses = margins.map((m) => Math.max(-m, 0) + Math.log1p(Math.exp(-Math.abs(m))));
  return losses.reduce((sum, loss) => sum + loss, 0) / margins.length;
}

function preferenceObjective(
  { losses }: LossGraph,
  { pairs, sequenceLength, beta }: { pairs: number; sequenceLength: number; beta: number },
): Objective {
  const mask = input(MASK, [2 * pairs, sequenceLength]);
  const nats = reduceSum(mul(reshape(losses, [2 * pairs, sequenceLength]), mask), [1]); // (2P): −log π
  const half = (start: number): Value => slice(nats, { axis: 0, start, end: start + pairs });
  const policy = sub(half(pairs), half(0)); // (P): log π(chosen) − log π(rejected)
  const margins = mul(sub(policy, input(REFERENCE, [pairs])), scalar(beta)); // (P)
  // d/dm of −log σ(m) is −σ(−m); the mean over the pairs divides by P.
  const seed = mul(sigmoid(neg(margins)), scalar(-1 / pairs));
  return { output: margins, seed, report: { margins } };
}
