/**
 * @file One compiled graph of generation (extendGraph.ts), with everything it is fed: made once, because making it anew
 * for each token is time a small model notices. What changes from run to run is written into the arrays.
 */
import { openSession, type TensorData, tensorOf } from '@alice/engine';
import { weightFeeds } from '../weightFeeds.js';
import type { AngleTables } from './angleTables.js';
import type { DecoderOptions } from './createDecoder.js';
import { extendGraph, FORBIDDEN, HEAD } from './extendGraph.js';
import type { KeyValueCache } from './KeyValueCache.js';

export interface Step {
  /** Reads up to `chunk` tokens after those in the cache, which then holds them too. Returns the logits (V) after the last. */
  run(tokens: Int32Array): Promise<Float32Array>;
  release(): Promise<void>;
}

/** Opens a step over a cache; `head` is transposed (C, V). Once room is made in the cache it must be opened anew. */
export async function openStep(
  { config, parameters, threads, platform }: DecoderOptions,
  {
    chunk,
    cache,
    angles,
    head,
  }: { chunk: number; cache: KeyValueCache; angles: AngleTables; head: Float32Array },
): Promise<Step> {
  const { capacity } = cache;
  const { weights, outputs } = extendGraph(config, { chunk, capacity });
  const session = await openSession(outputs, { threads, platform });
  const own = ownArrays({ chunk, capacity, half: angles.half });
  const feeds: Record<string, TensorData> = {
    ...weightFeeds(parameters, weights),
    [HEAD]: tensorOf(head, [config.width, config.vocab]),
    ...cache.feeds(),
    tokens: tensorOf(own.tokens, [chunk]),
    cos: tensorOf(own.cos, [chunk, angles.half]),
    sin: tensorOf(own.sin, [chunk, angles.half]),
    mask: tensorOf(own.mask, [chunk, capacity + chunk]),
    ...(chunk === 1 ? {} : { last: tensorOf(own.last, [1]) }),
  };
  return {
    async run(tokens) {
      own.tokens.fill(0).set(tokens);
      own.last[0] = tokens.length - 1;
      own.cos.set(angles.cos(cache.length, chunk));
      own.sin.set(angles.sin(cache.length, chunk));
      maskPast(own.mask, { chunk, capacity, length: cache.length });
      const { logits, made } = await session.run(feeds);
      cache.append(made!.data as Float32Array, { chunk, count: tokens.length });
      return logits!.data as Float32Array;
    },
    release: () => session.release(),
  };
}

function ownArrays({ chunk, capacity, half }: { chunk: number; capacity: number; half: number }) {
  const width = capacity + chunk;
  const mask = new Float32Array(chunk * width);
  for (let row = 0; row < chunk; row++)
    mask.fill(FORBIDDEN, row * width + capacity + row + 1, (row + 1) * width);
  return {
    tokens: new Int32Array(chunk),
    last: new Int32Array(1),
    cos: new Float32Array(chunk * half),
    sin: new Float32Array(chunk * half),
    mask,
  };
}

/** Every new token sees all remembered ones; what else lies in the cache is none. */
function maskPast(
  mask: Float32Array,
  { chunk, capacity, length }: { chunk: number; capacity: number; length: number },
): void {
  for (let row = 0; row < chunk; row++) {
    const start = row * (capacity + chunk);
    mask.fill(0, start, start + length).fill(FORBIDDEN, start + length, start + capacity);
  }
}
