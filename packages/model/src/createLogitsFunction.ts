/**
 * @file The raw scores of the next token, at chosen positions of one sequence: for generation, and for comparing this
 * model with another runtime that loads the same weights. SPEC MODEL-2
 */
import { gather, input, matmul, openSession, tensorOf } from '@alice/engine';
import { checkConfig, type ModelConfig } from './ModelConfig.js';
import { parameterCount } from './modelLayout.js';
import { checkTokens } from './splitInputsAndLabels.js';
import { allWeightInputs, transformer, weightInputs } from './transformer.js';
import { checkParameters, weightFeeds } from './weightFeeds.js';

export interface LogitsOptions {
  /** T: tokens the graph reads; shorter sequences are filled up, and attention being causal, that changes nothing. */
  readonly sequenceLength: number;
  /** How many positions one run returns. */
  readonly positions: number;
  readonly threads: number;
}

export interface LogitsFunction {
  /** Logits after each of the given positions, (positions, V) row-major. At most T tokens. */
  run(
    parameters: Float32Array,
    tokens: ArrayLike<number>,
    positions: readonly number[],
  ): Promise<Float32Array>;
  dispose(): Promise<void>;
}

/** Compiles the function. Throws `SEQUENCE_TOO_LONG`; `run` throws `TOKEN_OUT_OF_RANGE`, `PARAMETERS_SIZE`. Cost: the whole sequence, each run. */
export async function createLogitsFunction(
  config: ModelConfig,
  options: LogitsOptions,
): Promise<LogitsFunction> {
  const { sequenceLength, positions, threads } = options;
  const weights = weightInputs(checkConfig(config));
  const embedded = gather(weights.embedding.value, input('tokens', [sequenceLength], 'int32')); // (T, C)
  const hidden = transformer(embedded, weights, { ...config, batch: 1, sequenceLength }); // (T, C)
  const chosen = gather(hidden, input('positions', [positions], 'int32')); // (positions, C)
  const logits = matmul(chosen, weights.head.value, { transposeB: true }); // (positions, V)
  const session = await openSession({ logits }, { threads });
  const size = parameterCount(config);
  return {
    async run(parameters, tokens, at) {
      checkParameters(parameters, size);
      checkTokens(tokens, config.vocab);
      const filled = new Int32Array(sequenceLength);
      filled.set(Array.from(tokens));
      const result = await session.run({
        ...weightFeeds(parameters, allWeightInputs(weights)),
        tokens: tensorOf(filled, [sequenceLength]),
        positions: tensorOf(Int32Array.from(at), [positions]),
      });
      return result['logits']!.data as Float32Array;
    },
    dispose: () => session.release(),
  };
}
