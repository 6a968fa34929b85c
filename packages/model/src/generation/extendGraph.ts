/**
 * @file The transformer as a step of generation: n new tokens after up to S remembered ones → the logits after one of
 * them, and the new keys and values for the caller to remember. The same function as transformer.ts (its weights and
 * names; a test compares them); only attention differs, because keys and values of earlier tokens come from outside.
 */
import {
  add,
  concat,
  constant,
  gather,
  input,
  matmul,
  mul,
  reshape,
  rmsNorm,
  rotary,
  scalar,
  silu,
  slice,
  softmax,
  transpose,
  type Value,
} from '@alice/engine';
import type { ModelConfig } from '../ModelConfig.js';
import { type BlockWeights, type TransformerWeights, weightInputs } from '../transformer.js';

/** Added to a forbidden score, as in the engine's own attention. */
export const FORBIDDEN = -1e9;

export interface ExtendShape {
  /** n: new tokens. */
  readonly chunk: number;
  /** S: remembered tokens there is room for. */
  readonly capacity: number;
}

export interface ExtendGraph {
  readonly weights: TransformerWeights;
  readonly outputs: Readonly<Record<string, Value>>;
}

export const keyName = (layer: number): string => `keys of layer ${layer}`;
export const valueName = (layer: number): string => `values of layer ${layer}`;
export const newKeyName = (layer: number): string => `new ${keyName(layer)}`;
export const newValueName = (layer: number): string => `new ${valueName(layer)}`;

interface Shared extends ExtendShape {
  readonly config: ModelConfig;
  /** (n, D/2), of the new tokens' positions. */
  readonly cos: Value;
  readonly sin: Value;
  /** (S): 0 where there is a remembered token, FORBIDDEN elsewhere. */
  readonly pastMask: Value;
  /** (n, n): 0 on and below the diagonal, FORBIDDEN above. */
  readonly newMask: Value;
}

/**
 * Inputs besides weights: tokens (n), cos, sin (n, D/2), "past mask" (S), last (1), and keys, values (KV, S, D) of each
 * layer. Outputs: logits (1, V) after new token `last`, new keys and values (KV, n, D) of each layer.
 */
export function extendGraph(config: ModelConfig, { chunk, capacity }: ExtendShape): ExtendGraph {
  const weights = weightInputs(config);
  const half = config.width / config.heads / 2;
  const shared: Shared = {
    ...{ config, chunk, capacity },
    cos: input('cos', [chunk, half]),
    sin: input('sin', [chunk, half]),
    pastMask: input('past mask', [capacity]),
    newMask: causalMask(chunk),
  };
  const outputs: Record<string, Value> = {};
  let stream: Value = gather(weights.embedding.value, input('tokens', [chunk], 'int32')); // (n, C)
  weights.blocks.forEach((block, layer) => {
    const made = extendBlock(stream, block, { ...shared, layer });
    outputs[newKeyName(layer)] = made.keys;
    outputs[newValueName(layer)] = made.values;
    stream = made.stream;
  });
  const last = gather(stream, input('last', [1], 'int32')); // (1, C)
  const hidden = rmsNorm(last, weights.norm.value, config.normEps);
  outputs['logits'] = matmul(hidden, weights.head.value, { transposeB: true }); // (1, V)
  return { weights, outputs };
}

function causalMask(chunk: number): Value {
  const mask = new Float32Array(chunk * chunk);
  for (let row = 0; row < chunk; row++) mask.fill(FORBIDDEN, row * chunk + row + 1, (row + 1) * chunk);
  return constant(mask, [chunk, chunk]);
}

interface Extended {
  readonly stream: Value;
  /** (KV, n, D) */
  readonly keys: Value;
  readonly values: Value;
}

function extendBlock(x: Value, weights: BlockWeights, shared: Shared & { readonly layer: number }): Extended {
  const { normEps } = shared.config;
  const normed = rmsNorm(x, weights.attentionNorm.value, normEps); // (n, C)
  const { mixed, keys, values } = extendAttention(normed, weights, shared);
  const y = add(x, matmul(mixed, weights.output.value, { transposeB: true })); // (n, C)
  return { stream: add(y, feedForward(rmsNorm(y, weights.ffnNorm.value, normEps), weights)), keys, values };
}

function extendAttention(
  x: Value,
  { qkv }: BlockWeights,
  shared: Shared & { readonly layer: number },
): { mixed: Value; keys: Value; values: Value } {
  const { config, chunk, capacity, cos, sin, layer } = shared;
  const { heads, kvHeads, width } = config;
  const depth = width / heads;
  const rows = reshape(matmul(x, qkv.value, { transposeB: true }), [1, chunk, heads + 2 * kvHeads, depth]);
  const perHead = transpose(rows, [0, 2, 1, 3]); // (1, H+2KV, n, D)
  const headsFrom = (start: number, count: number): Value =>
    slice(perHead, { axis: 1, start, end: start + count });
  const group = (heads / kvHeads) * chunk; // rows of the query heads that share a key head
  const q = reshape(rotary(headsFrom(0, heads), cos, sin), [kvHeads, group, depth]);
  const keys = reshape(rotary(headsFrom(heads, kvHeads), cos, sin), [kvHeads, chunk, depth]);
  const values = reshape(headsFrom(heads + kvHeads, kvHeads), [kvHeads, chunk, depth]);
  const past = [kvHeads, capacity, depth];
  const p = probabilities(mul(q, scalar(1 / Math.sqrt(depth))), {
    ...shared,
    keys,
    pastKeys: input(keyName(layer), past),
  });
  const ofPast = slice(p, { axis: 2, start: 0, end: capacity }); // (KV, G·n, S)
  const ofNew = slice(p, { axis: 2, start: capacity, end: capacity + chunk }); // (KV, G·n, n)
  const mixed = add(matmul(ofPast, input(valueName(layer), past)), matmul(ofNew, values)); // (KV, G·n, D)
  const byToken = transpose(reshape(mixed, [heads, chunk, depth]), [1, 0, 2]); // (n, H, D)
  return { mixed: reshape(byToken, [chunk, width]), keys, values };
}

/** q (KV, G·n, D), scaled → (KV, G·n, S + n): over remembered tokens, then over new ones. */
function probabilities(
  q: Value,
  { config, chunk, keys, pastKeys, pastMask, newMask }: Shared & { keys: Value; pastKeys: Value },
): Value {
  const { heads, kvHeads } = config;
  const ofPast = add(matmul(q, pastKeys, { transposeB: true }), pastMask);
  const scores = reshape(matmul(q, keys, { transposeB: true }), [kvHeads, heads / kvHeads, chunk, chunk]);
  const ofNew = reshape(add(scores, newMask), [kvHeads, (heads / kvHeads) * chunk, chunk]);
  return softmax(concat([ofPast, ofNew], 2));
}

/** SwiGLU: (n, C) → (n, C). */
function feedForward(x: Value, { gate, up, down }: BlockWeights): Value {
  const gated = silu(matmul(x, gate.value, { transposeB: true })); // (n, F)
  const lifted = matmul(x, up.value, { transposeB: true }); // (n, F)
  return matmul(mul(gated, lifted), down.value, { transposeB: true }); // (n, C)
}
