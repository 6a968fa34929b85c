/**
 * @file Keys and values of the tokens read so far, per layer (KV, S, D), with room for S tokens. Room grows by doubling
 * up to the context, because the graphs' shapes are fixed: each size has its own.
 */
import { type TensorData, tensorOf } from '@alice/engine';
import type { ModelConfig } from '../ModelConfig.js';
import { keyName, valueName } from './extendGraph.js';

const SMALLEST = 64;

export class KeyValueCache {
  /** Tokens remembered. */
  length = 0;
  #capacity: number;
  #layers: { readonly keys: Float32Array; readonly values: Float32Array }[];
  readonly #config: ModelConfig;

  constructor(config: ModelConfig) {
    this.#config = config;
    this.#capacity = Math.min(SMALLEST, config.context);
    this.#layers = this.#empty();
  }

  get capacity(): number {
    return this.#capacity;
  }

  /** Forgets all tokens. What lies in the arrays past the length is not to be read. */
  clear(): void {
    this.length = 0;
  }

  /** Makes room for `tokens` in all; at most the context. */
  reserve(tokens: number): void {
    if (tokens <= this.#capacity) return;
    const old = { layers: this.#layers, capacity: this.#capacity };
    while (this.#capacity < tokens) this.#capacity *= 2;
    this.#capacity = Math.min(this.#capacity, this.#config.context);
    this.#layers = this.#empty();
    const { kvHeads, depth } = this.#shape();
    old.layers.forEach((from, layer) => {
      for (const part of ['keys', 'values'] as const)
        for (let head = 0; head < kvHeads; head++) {
          const start = head * old.capacity * depth;
          const kept = from[part].subarray(start, start + this.length * depth);
          this.#layers[layer]![part].set(kept, head * this.#capacity * depth);
        }
    });
  }

  /** The graph's inputs, by name; views, not copies: they stay true until room is made. */
  feeds(): Record<string, TensorData> {
    const { kvHeads, depth } = this.#shape();
    const shape = [kvHeads, this.#capacity, depth];
    const entries = this.#layers.flatMap(({ keys, values }, layer) => [
      [keyName(layer), tensorOf(keys, shape)] as const,
      [valueName(layer), tensorOf(values, shape)] as const,
    ]);
    return Object.fromEntries(entries);
  }

  /** Remembers the first `count` of the `chunk` tokens whose keys and values a graph made: (L·2·KV, n, D). */
  append(made: Float32Array, { chunk, count }: { chunk: number; count: number }): void {
    const { kvHeads, depth } = this.#shape();
    let from = 0;
    for (const { keys, values } of this.#layers)
      for (const to of [keys, values])
        for (let head = 0; head < kvHeads; head++, from += chunk * depth)
          to.set(made.subarray(from, from + count * depth), (head * this.#capacity + this.length) * depth);
    this.length += count;
  }

  #shape(): { kvHeads: number; depth: number } {
    const { kvHeads, width, heads } = this.#config;
    return { kvHeads, depth: width / heads };
  }

  #empty(): { keys: Float32Array; values: Float32Array }[] {
    const { kvHeads, depth } = this.#shape();
    const size = kvHeads * this.#capacity * depth;
    return Array.from({ length: this.#config.layers }, () => ({
      keys: new Float32Array(size),
      values: new Float32Array(size),
    }));
  }
}
