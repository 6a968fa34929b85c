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

export interface MaskedRun {
  readonly parameters: Float32Array;
  /** `batch` rows. */
  readonly rows: MaskedRows;
  /** Overwritten. */
  readonly gradient: Float32Array;
  /**
   * Learned tokens the loss is the mean over; those of `rows` unless given. A step of several micro-batches passes the
   * count of all, and the sum of its gradients is then the gradient of the mean over all.
   */
  readonly over?: number;
}

export interface MaskedGradientFunction extends BatchShape {
  /** The rows' part of the mean loss, nats. Throws `MASK_SIZE` and what a gradient function throws. */
  run(run: MaskedRun): Promise<number>;
  dispose(): Promise<void>;
}

const SHARES = 'shares';

/** Compiles the function for one batch shape. Throws `SEQUENCE_TOO_LONG`. Cost: that of `createGradientFunction`. */
export async function createMaskedGradientFunction(
  config: ModelConfig,
  options: FunctionOptions,
): Promise<MaskedGradientFunction> {
  const { batch, sequenceLength } = options;
  const positions = batch * sequenceLength;
  const session = await openGradientSession(config, options, ({ losses }) => {
    const shares = input(SHARES, [positions]);
    return { output: losses, seed: shares, report: { loss: reduceSum(mul(losses, shares), [0]) } };
  });
  return {
    batch,
    sequenceLength,
    async run({ parameters, rows, gradient, over }) {
      const shares = labelMask(rows, sequenceLength);
      const total = over ?? shares.reduce((sum, counts) => sum + counts, 0);
      for (let i = 0; i < shares.length; i++) shares[i]! /= Math.max(total, 1);
      const feeds = { [SHARES]: tensorOf(shares, [shares.length]) };
      const { loss } = await session.run({ parameters, tokens: rows.tokens, gradient, feeds });
      return loss!.data[0]!;
    },
    dispose: () => session.dispose(),
  };
}
