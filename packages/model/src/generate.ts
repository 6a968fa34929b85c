/**
 * @file Continues a text, one token after another. Simple: the whole sequence is computed anew for each token, and when
 * the context is full its oldest tokens are forgotten. Same weights, prompt and seed give the same tokens.
 */
import { seededRandom } from '@alice/protocol';
import { createLogitsFunction } from './createLogitsFunction.js';
import { ModelError } from './errors.js';
import type { ModelConfig } from './ModelConfig.js';
import { sampleToken } from './sampleToken.js';

export interface GenerateOptions {
  readonly config: ModelConfig;
  readonly parameters: Float32Array;
  /** Tokens to continue; at least one. Only the last `config.context` are read. */
  readonly prompt: ArrayLike<number>;
  /** How many tokens to add at most. */
  readonly maxTokens: number;
  /** 0: always the likeliest token. 1: as the model says. */
  readonly temperature: number;
  /** Choose among the k likeliest only; 0: among all. */
  readonly topK: number;
  readonly seed: string;
  readonly threads: number;
  /** Ends the text when it is drawn; it is not returned. */
  readonly stopToken?: number;
  /** Called with each token as it is made. */
  readonly onToken?: (token: number) => void;
}

/** The tokens that follow the prompt. Throws `PROMPT_EMPTY`, `TOKEN_OUT_OF_RANGE`, `PARAMETERS_SIZE`. */
export async function generate(options: GenerateOptions): Promise<Uint16Array> {
  const { config, parameters, prompt, maxTokens, threads, stopToken, onToken } = options;
  if (prompt.length === 0)
    throw new ModelError({ code: 'PROMPT_EMPTY' }, 'give at least one token to continue');
  const sequenceLength = Math.min(config.context, prompt.length + maxTokens);
  const logitsFunction = await createLogitsFunction(config, { sequenceLength, positions: 1, threads });
  const random = seededRandom(`generate/${options.seed}`);
  const tokens = Array.from(prompt);
  try {
    while (tokens.length < prompt.length + maxTokens) {
      const window = tokens.slice(-sequenceLength);
      const logits = await logitsFunction.run(parameters, window, [window.length - 1]);
      const token = sampleToken(logits, { ...options, unit: random.unit() });
      if (token === stopToken) break;
      tokens.push(token);
      onToken?.(token);
    }
  } finally {
    await logitsFunction.dispose();
  }
  return Uint16Array.from(tokens.slice(prompt.length));
}
