/** @file The language-model objective: the gradient of the mean next-token loss over one micro-batch. */
import { filled, reduceMean } from '@alice/engine';
import { type FunctionOptions, openGradientSession } from './gradientSession.js';
import type { GradientFunction } from './interface.js';
import type { ModelConfig } from './ModelConfig.js';
import type { ObjectiveRecipe } from './objectives/recipe.js';

export const plainText: ObjectiveRecipe<Uint16Array> = {
  objective: ({ losses }) => ({
    output: losses,
    seed: filled(1 / losses.shape[0]!, losses.shape),
    report: { loss: reduceMean(losses, [0]) },
  }),
  inputs: (tokens) => ({ tokens, feeds: {} }),
  lossNats: ({ loss }) => loss!.data[0]!,
};

/**
 * Compiles the function for one batch shape. Throws `SEQUENCE_TOO_LONG`; `run` throws `TOKENS_RAGGED`, `TOKEN_OUT_OF_RANGE`, `PARAMETERS_SIZE`.
 * Cost of a run: about 6·parameters floating-point operations a token; blocks the thread on Node.
 */
export async function createGradientFunction(
  config: ModelConfig,
  options: FunctionOptions,
): Promise<GradientFunction> {
  const { batch, sequenceLength } = options;
  const session = await openGradientSession(config, options, plainText.objective);
  return {
    batch,
    sequenceLength,
    run: async (parameters, tokens, gradient) =>
      plainText.lossNats(await session.run({ parameters, tokens, gradient })),
    dispose: () => session.dispose(),
  };
}
