/**
 * @file Reads tokens one after another and says what may come next, remembering keys and values, so that each token is
 * computed once. A prompt is read in chunks of up to 64 tokens by one graph, single tokens by another. Holds the
 * weights by reference. Does not choose tokens; generate.ts does.
 */
import { openSession, type Platform, type Session, tensorOf } from '@alice/engine';
import { ModelError } from '../errors.js';
import { checkConfig, type ModelConfig } from '../ModelConfig.js';
import { parameterCount } from '../modelLayout.js';
import { checkTokens } from '../splitInputsAndLabels.js';
import { allWeightInputs } from '../transformer.js';
import { checkParameters, weightFeeds } from '../weightFeeds.js';
import { extendGraph } from './extendGraph.js';
import { KeyValueCache } from './KeyValueCache.js';

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
   * Reads tokens and returns the logits (V) after the last; the array is used again by the next call. Throws
   * `SEQUENCE_TOO_LONG` when the context is full, `TOKEN_OUT_OF_RANGE`. Nothing is read then.
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
  const steps = new StepSessions(options);
  const angles = angleTables(config);
  const logits = new Float32Array(config.vocab);

  const extend = async (tokens: Int32Array, chunk: number): Promise<void> => {
    const { session, weights } = await steps.get(chunk, cache.capacity);
    const filled = new Int32Array(chunk);
    filled.set(tokens);
    const made = await session.run(
      {
        ...weights,
        ...cache.feeds(),
        tokens: tensorOf(filled, [chunk]),
        last: tensorOf(Int32Array.of(tokens.length - 1), [1]),
        cos: tensorOf(angles.cos.slice(cache.length, chunk), [chunk, angles.half]),
        sin: tensorOf(angles.sin.slice(cache.length, chunk), [chunk, angles.half]),
      },
      { logits: tensorOf(logits, [1, config.vocab]) },
    );
    cache.append(made, { chunk, count: tokens.length });
  };

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
        await extend(part, part.length === 1 ? 1 : CHUNK);
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

interface Step {
  readonly session: Session;
  readonly weights: ReturnType<typeof weightFeeds>;
}

/** One compiled graph for each (chunk, capacity) in use; smaller capacities are let go of. */
class StepSessions {
  readonly #options: DecoderOptions;
  readonly #open = new Map<number, Step & { readonly capacity: number }>();

  constructor(options: DecoderOptions) {
    this.#options = options;
  }

  async get(chunk: number, capacity: number): Promise<Step> {
    const known = this.#open.get(chunk);
    if (known?.capacity === capacity) return known;
    await known?.session.release();
    const { config, parameters, threads, platform } = this.#options;
    const { weights, outputs } = extendGraph(config, { chunk, capacity });
    const session = await openSession(outputs, { threads, platform });
    const step = { session, capacity, weights: weightFeeds(parameters, allWeightInputs(weights)) };
    this.#open.set(chunk, step);
    return step;
  }

  async dispose(): Promise<void> {
    for (const { session } of this.#open.values()) await session.release();
    this.#open.clear();
  }
}

/** Angles of all positions of the context; past its end zeros, which only filled-up tokens read. */
function angleTables({ context, width, heads, ropeTheta }: ModelConfig) {
  const half = width / heads / 2;
  const table = (of: (angle: number) => number) => {
    const values = new Float32Array((context + CHUNK) * half);
    for (let t = 0; t < context; t++)
      for (let i = 0; i < half; i++) values[t * half + i] = of(t * ropeTheta ** (-i / half));
    return { slice: (from: number, count: number) => values.subarray(from * half, (from + count) * half) };
  };
  return { half, cos: table(Math.cos), sin: table(Math.sin) };
}
