/**
 * @file The transformer as a step of generation: n new tokens after up to S remembered ones → the logits after one of
 * them, and the new keys and values for the caller to remember. The same function as transformer.ts (same weights; a
 * test compares them); attention differs, because keys and values of earlier tokens come from outside. A single token is
 * little work to each op, so ops are few, and so are inputs and outputs: handing over each costs as much as a small op.
 */
import {
  add,
  concat,
  gather,
  input,
  matmul,
  matmulAdd,
  mul,
  reshape,
  rmsNorm,
  rotary,
  scalar,
  slice,
  softmax,
  swiGlu,
  transpose,
  type Value,
} from '@alice/engine';
import type { ModelConfig } from '../ModelConfig.js';
import { type BlockWeights, type WeightInput, weightInputs } from '../transformer.js';

/** Added to a forbidden score, as in the engine's own attention. */
export const FORBIDDEN = -1e9;

export interface ExtendShape {
  /** n: new tokens. */
  readonly chunk: number;
  /** S: remembered tokens there is room for. */
  readonly capacity: number;
}

export interface ExtendGraph {
  /** All but the head. */
  readonly weights: readonly WeightInput[];
  readonly outputs: Readonly<Record<'logits' | 'made', Value>>;
}

/** The head's input, (C, V): of a single row, products with long rows run a third faster than with many short ones. */
export const HEAD = 'head, transposed';

export const keyName = (layer: number): string => `keys of layer ${layer}`;
export const valueName = (layer: number): string => `values of layer ${layer}`;

interface Shared extends ExtendShape {
  readonly config: ModelConfig;
  /** (n, D/2), of the new tokens' positions. */
  readonly cos: Value;
  readonly sin: Value;
  /** (n, S + n): 0 where a new token may look, at remembered tokens and then at new ones; FORBIDDEN elsewhere. */
  readonly mask: Value;
}

/** A block's weights as they are read here: gate and up as one matrix. */
interface ExtendWeights extends Omit<BlockWeights, 'gate' | 'up'> {
  /** (2·F, C): gate, up under one another. */
  readonly gateUp: WeightInput;
}

/**
 * Inputs besides weights: the head (C, V), tokens (n), cos, sin (n, D/2), mask (n, S + n), keys, values (KV, S, D) of each layer and,
 * where n > 1, last (1). Outputs: logits (1, V) after new token `last`; made (L·2·KV, n, D), new keys, then new values of
 * each layer.
 */
export function extendGraph(config: ModelConfig, { chunk, capacity }: ExtendShape): ExtendGraph {
  const { embedding, blocks, norm } = weightInputs(config);
  const half = config.width / config.heads / 2;
  const shared: Shared = {
    ...{ config, chunk, capacity },
    cos: input('cos', [chunk, half]),
    sin: input('sin', [chunk, half]),
    mask: input('mask', [chunk, capacity + chunk]),
  };
  const made: Value[] = [];
  let stream: Value = gather(embedding.value, input('tokens', [chunk], 'int32')); // (n, C)
  const extended = blocks.map(({ gate, up, ...rest }) => ({ ...rest, gateUp: joined(gate, up) }));
  extended.forEach((block, layer) => {
    const after = extendBlock(stream, block, { ...shared, layer });
    made.push(after.keys, after.values);
    stream = after.stream;
  });
  const last = chunk === 1 ? stream : gather(stream, input('last', [1], 'int32')); // (1, C)
  const turnedHead = input(HEAD, [config.width, config.vocab]);
  const logits = matmul(rmsNorm(last, norm.value, config.normEps), turnedHead); // (1, V)
  const ofBlocks = extended.flatMap((block) => Object.values(block) as WeightInput[]);
  return { weights: [embedding, ...ofBlocks, norm], outputs: { logits, made: concat(made, 0) } };
}

/** One matrix of two that follow one another in the flat vector. */
function joined(first: WeightInput, second: WeightInput): WeightInput {
  const names = [first, second].map(({ value }) => value.attributes.name);
  const shape = [first.value.shape[0]! + second.value.shape[0]!, first.value.shape[1]!];
  return { value: input(names.join('+'), shape), offset: first.offset, size: first.size + second.size };
}

interface Extended {
  readonly stream: Value;
  /** (KV, n, D) */
  readonly keys: Value;
  readonly values: Value;
}

function extendBlock(
  x: Value,
  weights: ExtendWeights,
  shared: Shared & { readonly layer: number },
): Extended {
  const { normEps, ffn } = shared.config;
  const normed = rmsNorm(x, weights.attentionNorm.value, normEps); // (n, C)
  const projected = matmul(normed, weights.qkv.value, { transposeB: true }); // (n, (H+2KV)·D)
  const { mixed, keys, values } = extendAttention(projected, shared);
  const y = matmulAdd([mixed, weights.output.value], x, { transposeB: true }); // (n, C)
  const lifted = matmul(rmsNorm(y, weights.ffnNorm.value, normEps), weights.gateUp.value, {
    transposeB: true,
  }); // (n, 2F)
  const gate = slice(lifted, { axis: 1, start: 0, end: ffn });
  const up = slice(lifted, { axis: 1, start: ffn, end: 2 * ffn });
  const stream = matmulAdd([swiGlu(gate, up), weights.down.value], y, { transposeB: true }); // (n, C)
  return { stream, keys, values };
}

/** Projections (n, (H+2KV)·D) → what the new tokens read (n, C), and their keys and values. */
function extendAttention(
  projected: Value,
  shared: Shared & { readonly layer: number },
): { mixed: Value; keys: Value; values: Value } {
  const { config, chunk, capacity, layer, mask } = shared;
  const { heads, kvHeads, width } = config;
  const depth = width / heads;
  const group = heads / kvHeads; // query heads that share a key head
  const { q, keys, values } = splitHeads(projected, shared);
  const past = [kvHeads, capacity, depth];
  const allKeys = concat([input(keyName(layer), past), keys], 1); // (KV, S+n, D)
  const allValues = concat([input(valueName(layer), past), values], 1);
  const scaled = mul(reshape(q, [kvHeads, group * chunk, depth]), scalar(1 / Math.sqrt(depth)));
  const scores = matmul(scaled, allKeys, { transposeB: true }); // (KV, G·n, S+n)
  const byHead = chunk === 1 ? scores.shape : [kvHeads, group, chunk, capacity + chunk];
  const p = reshape(softmax(add(reshape(scores, byHead), mask)), scores.shape); // (KV, G·n, S+n)
  const mixed = reshape(matmul(p, allValues), [heads, chunk, depth]);
  return { mixed: reshape(swapFirstTwo(mixed, chunk), [chunk, width]), keys, values };
}

/** (n, (H+2KV)·D) → q (H, n, D) and keys (KV, n, D), turned, and values (KV, n, D). */
function splitHeads(
  projected: Value,
  { config, chunk, cos, sin }: Shared,
): { q: Value; keys: Value; values: Value } {
  const { heads, kvHeads, width } = config;
  const depth = width / heads;
  const all = heads + 2 * kvHeads;
  const perHead = swapFirstTwo(reshape(projected, [chunk, all, depth]), chunk); // (H+2KV, n, D)
  const headsFrom = (of: Value, start: number, count: number): Value =>
    slice(of, { axis: 0, start, end: start + count });
  const turned = rotary(
    reshape(headsFrom(perHead, 0, heads + kvHeads), [1, heads + kvHeads, chunk, depth]),
    cos,
    sin,
  );
  const flat = reshape(turned, [heads + kvHeads, chunk, depth]);
  return {
    q: headsFrom(flat, 0, heads),
    keys: headsFrom(flat, heads, kvHeads),
    values: headsFrom(perHead, heads + kvHeads, kvHeads),
  };
}

/** (n, H, D) ↔ (H, n, D); of a single token nothing moves. */
function swapFirstTwo(x: Value, chunk: number): Value {
  if (chunk > 1) return transpose(x, [1, 0, 2]);
  const [a, b, depth] = x.shape;
  return reshape(x, [b!, a!, depth!]);
}
