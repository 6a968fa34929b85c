/**
 * @file Continues a text, one token after another, each computed once (createDecoder.ts). When the context is full, its
 * older half is forgotten (contextWindow.ts). Same weights, prompt and seed give the same tokens on the same machine.
 */
import { seededRandom } from '@alice/protocol';
import { ModelError } from '../errors.js';
import type { ModelConfig } from '../ModelConfig.js';
import { windowStart } from './contextWindow.js';
import { createDecoder, type Decoder } from './createDecoder.js';
import { sampleToken } from './sampleToken.js';

export interface ContinueOptions {
  /** Tokens to continue; at least one. Only the last `config.context` are read. */
  readonly prompt: ArrayLike<number>;
  /** How many tokens to add at most. */
  readonly maxTokens: number;
  /** 0: always the likeliest token. 1: as the model says. */
  readonly temperature: number;
  /** Choose among the k likeliest only; 0: among all. */
  readonly topK: number;
  /** Choose among the likeliest whose probabilities sum to this; 1, or left out: among all. */
  readonly topP?: number;
  readonly seed: string;
  /** Ends the text when it is drawn; it is not returned. */
  readonly stopToken?: number;
  /** Whether `stopToken` may be drawn after so many new tokens; always when left out. */
  readonly mayStop?: (made: number) => boolean;
  /** Called with each token as it is made. */
  readonly onToken?: (token: number) => void;
  /** Ends the text before the next token. */
  readonly signal?: AbortSignal;
}

export interface GenerateOptions extends ContinueOptions {
  readonly config: ModelConfig;
  readonly parameters: Float32Array;
  readonly threads: number;
}

/** The tokens that follow the prompt. Throws `PROMPT_EMPTY`, `TOKEN_OUT_OF_RANGE`, `PARAMETERS_SIZE`. */
export async function generate(options: GenerateOptions): Promise<Uint16Array> {
  const decoder = createDecoder(options);
  try {
    return await continueText(decoder, options.config, options);
  } finally {
    await decoder.dispose();
  }
}

/** `generate` with a decoder that stays open, for one text after another. */
export async function continueText(
  decoder: Decoder,
  { context }: Pick<ModelConfig, 'context'>,
  options: ContinueOptions,
): Promise<Uint16Array> {
  const { prompt, maxTokens, stopToken, mayStop, onToken, signal } = options;
  if (prompt.length === 0)
    throw new ModelError({ code: 'PROMPT_EMPTY' }, 'give at least one token to continue');
  const random = seededRandom(`generate/${options.seed}`);
  const tokens = Array.from(prompt);
  let start = Math.max(0, tokens.length - context);
  decoder.reset();
  while (tokens.length < prompt.length + maxTokens && !signal?.aborted) {
    const from = windowStart(tokens.length, start, context);
    if (from !== start) decoder.reset();
    start = from;
    const logits = await decoder.read(tokens.slice(start + decoder.length));
    if (stopToken !== undefined && mayStop?.(tokens.length - prompt.length) === false)
      logits[stopToken] = Number.NEGATIVE_INFINITY;
    const token = sampleToken(logits, { ...options, unit: random.unit() });
    if (token === stopToken) break;
    tokens.push(token);
    onToken?.(token);
  }
  return Uint16Array.from(tokens.slice(prompt.length));
}
