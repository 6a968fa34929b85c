/**
 * @file Reads tokens one after another and says what may come next, remembering keys and values, so that each token is
 * computed once. A prompt is read in chunks of up to 64 tokens by one graph, single tokens by another. Holds the
 * weights by reference, and a copy of the head. Does not choose tokens; generate.ts does.
 */
import type { Platform } from '@alice/engine';
import { ModelError } from '../errors.js';
import { checkConfig, type ModelConfig } from '../ModelConfig.js';
import { parameterCount } from '../modelLayout.js';
import { checkTokens } from '../splitInputsAndLabels.js';
import { weightInputs } from '../transformer.js';
import { checkParameters } from '../weightFeeds.js';
import { angleTables } from './angleTables.js';
import { KeyValueCache } from './KeyValueCache.js';
import { openStep, type Step } from './openStep.js';
import { transposed } from './transposed.js';

/** Large enough for efficient products, small enough that filling up a short prompt costs little. */
const CHUNK = 64;

export interface DecoderOptions {
  readonly config: ModelConfig;
  readonly parameters: Float32Array;
  readonly threads: number;
  /** Where graphs run; Node's CPU unless given. */
  readonly platform?: Platform | undefined;
}

export interface Decoder {
  /** Tokens read since the start or the last `reset`. */
  readonly length: number;
  /**
   * Reads tokens and returns the logits (V) after the last, the caller's own. Throws `SEQUENCE_TOO_LONG` when the
   * context is full, `TOKEN_OUT_OF_RANGE`. Nothing is read then.
   */
  read(tokens: ArrayLike<number>): Promise<Float32Array>;
  /** Forgets what was read. */
  reset(): void;
  dispose(): Promise<void>;
}

/** Opens a decoder; its graphs are compiled when first needed. Throws `CONFIG_INVALID`, `PARAMETERS_SIZE`. */
export function createDecoder(options: DecoderOptions): Decoder {
  const { config, parameters } = options;
  checkParameters(parameters, parameterCount(checkConfig(config)));
  const cache = new KeyValueCache(config);
  const steps = new Steps(options, cache);
  let logits: Float32Array = new Float32Array(config.vocab);
  return {
    get length() {
      return cache.length;
    },
    async read(tokens) {
      checkTokens(tokens, config.vocab);
      checkRoom(config, cache.length + tokens.length);
      cache.reserve(cache.length + tokens.length);
      const all = Int32Array.from(tokens);
      for (let from = 0; from < all.length; from += CHUNK) {
        const part = all.subarray(from, from + CHUNK);
        const step = await steps.get(part.length === 1 ? 1 : CHUNK);
        logits = await step.run(part);
      }
      return logits;
    },
    reset: () => cache.clear(),
    dispose: () => steps.dispose(),
  };
}

function checkRoom({ name, context }: ModelConfig, sequenceLength: number): void {
  if (sequenceLength <= context) return;
  throw new ModelError(
    { code: 'SEQUENCE_TOO_LONG', sequenceLength, context },
    `"${name}" remembers at most ${context} tokens, not ${sequenceLength}: reset and read the last ones again`,
  );
}

/** The steps in use: of the cache's present room, one for each number of tokens at a time. */
class Steps {
  readonly #options: DecoderOptions;
  readonly #cache: KeyValueCache;
  readonly #angles: ReturnType<typeof angleTables>;
  readonly #open = new Map<number, Step>();
  /** (C, V) */
  #head: Float32Array | undefined;
  #capacity = 0;

  constructor(options: DecoderOptions, cache: KeyValueCache) {
    this.#options = options;
    this.#cache = cache;
    this.#angles = angleTables(options.config, { spare: CHUNK });
  }

  async get(chunk: number): Promise<Step> {
    if (this.#cache.capacity !== this.#capacity) await this.dispose();
    this.#capacity = this.#cache.capacity;
    const known = this.#open.get(chunk);
    if (known) return known;
    this.#head ??= transposedHead(this.#options);
    const step = await openStep(this.#options, {
      chunk,
      cache: this.#cache,
      angles: this.#angles,
      head: this.#head,
    });
    this.#open.set(chunk, step);
    return step;
  }

  async dispose(): Promise<void> {
    for (const step of this.#open.values()) await step.release();
    this.#open.clear();
  }
}

function transposedHead({ config, parameters }: DecoderOptions): Float32Array {
  const { offset, size } = weightInputs(config).head;
  return transposed(parameters.subarray(offset, offset + size), config.vocab, config.width);
}
