/** @file The mean loss of each row of tokens, for scoring and validation. */
import { reduceMean, reshape } from '@alice/engine';
import type { FunctionOptions } from './gradientSession.js';
import type { LossFunction } from './interface.js';
import type { ModelConfig } from './ModelConfig.js';
import { openRowSession } from './rowSession.js';

/**
 * Compiles the function for one group size. Throws `SEQUENCE_TOO_LONG`; `run` throws `TOKENS_RAGGED`, `TOKEN_OUT_OF_RANGE`, `PARAMETERS_SIZE`.
 * Cost of a run: about 2·parameters floating-point operations a token.
 */
export async function createLossFunction(
  config: ModelConfig,
  options: FunctionOptions,
): Promise<LossFunction> {
  const { batch, sequenceLength } = options;
  const session = await openRowSession(config, options, (losses) =>
    reduceMean(reshape(losses, [batch, sequenceLength]), [1]),
  ); // (B)
  return {
    batch,
    sequenceLength,
    run: async (parameters, tokens) => Float64Array.from(await session.run(parameters, tokens)),
    dispose: () => session.dispose(),
  };
}
