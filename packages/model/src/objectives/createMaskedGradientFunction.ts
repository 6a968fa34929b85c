/**
 * @file The masked language-model objective: the mean loss over the tokens a mask marks, as supervised fine-tuning
 * takes it (Ouyang et al. 2022, arXiv:2203.02155). The same graph as plain training; only the seed of the gradient
 * differs. With every token marked it is the plain objective.
 */
import { input, mul, reduceSum, tensorOf } from '@alice/engine';
import { type FunctionOptions, openGradientSession } from '../gradientSession.js';
import type { ModelConfig } from '../ModelConfig.js';
import type { BatchShape } from '../transformer.js';
import { labelMask, type MaskedRows } from './maskedRows.js';
import type { ObjectiveRecipe } from './recipe.js';

export interface MaskedBatch {
  readonly rows: MaskedRows;
  /**
   * Learned tokens the loss is the mean over; those of `rows` unless given. A step of several micro-batches passes the
   * count of all, and the sum of its gradients is then the gradient of the mean over all.
   */
  readonly over?: number;
}

export interface MaskedRun extends MaskedBatch {
  readonly parameters: Float32Array;
  /** Overwritten. */
  readonly gradient: Float32Array;
}

export interface MaskedGradientFunction extends BatchShape {
  /** The rows' part of the mean loss, nats. Throws `MASK_SIZE` and what a gradient function throws. */
  run(run: MaskedRun): Promise<number>;
  dispose(): Promise<void>;
}

const SHARES = 'shares';

/** The objective for rows of one shape. */
export function maskedText({ batch, sequenceLength }: BatchShape): ObjectiveRecipe<MaskedBatch> {
  return {
    objective({ losses }) {
      const shares = input(SHARES, [batch * sequenceLength]);
      return { output: losses, seed: shares, report: { loss: reduceSum(mul(losses, shares), [0]) } };
    },
    inputs({ rows, over }) {
      const shares = labelMask(rows, sequenceLength);
      const total = over ?? shares.reduce((sum, counts) => sum + counts, 0);
      if (total > 0) for (let i = 0; i < shares.length; i++) shares[i]! /= total;
      return { tokens: rows.tokens, feeds: { [SHARES]: tensorOf(shares, [shares.length]) } };
    },
    lossNats: ({ loss }) => loss!.data[0]!,
  };
}

/** Compiles the function for one batch shape. Throws `SEQUENCE_TOO_LONG`. Cost: that of `createGradientFunction`. */
export async function createMaskedGradientFunction(
  config: ModelConfig,
  options: FunctionOptions,
): Promise<MaskedGradientFunction> {
  const { batch, sequenceLength } = options;
  const recipe = maskedText(options);
  const session = await openGradientSession(config, options, recipe.objective);
  return {
    batch,
    sequenceLength,
    run: async ({ parameters, gradient, ...masked }) =>
      recipe.lossNats(await session.run({ parameters, gradient, ...recipe.inputs(masked) })),
    dispose: () => session.dispose(),
  };
}
