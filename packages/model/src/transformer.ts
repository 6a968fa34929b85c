/**
 * @file Alice's transformer as a graph: RMSNorm, rotary embedding, grouped-query attention, SwiGLU, untied head; the
 * function of the Llama family (Touvron et al. 2023, arXiv:2307.09288), so weights run elsewhere unchanged. The
 * residual stream is kept as (N, C), N = B·T, so every projection is one matrix product. SPEC MODEL-1, MODEL-2
 */
import {
  add,
  attention,
  constant,
  input,
  matmul,
  reshape,
  rmsNorm,
  rotary,
  slice,
  swiGlu,
  transpose,
  type Value,
} from '@alice/engine';
import { ModelError } from './errors.js';
import type { ModelConfig } from './ModelConfig.js';
import { modelLayout } from './modelLayout.js';

/** One input of the graph: a run of the flat vector that one or several adjacent tensors make up. */
export interface WeightInput {
  readonly value: Value<'Input'>;
  readonly offset: number;
  readonly size: number;
}

export interface BatchShape {
  readonly batch: number;
  readonly sequenceLength: number;
}

/** The weights one block reads. */
export interface BlockWeights {
  readonly attentionNorm: WeightInput;
  /** ((H + 2·KV)·D, C): q, k, v under one another. */
  readonly qkv: WeightInput;
  readonly output: WeightInput;
  readonly ffnNorm: WeightInput;
  readonly gate: WeightInput;
  readonly up: WeightInput;
  readonly down: WeightInput;
}

/** Where a block's weights are read in a graph: inputs, or what is made of them. */
export type BlockValues = { readonly [K in keyof BlockWeights]: { readonly value: Value } };

export interface TransformerWeights {
  readonly embedding: WeightInput;
  readonly blocks: readonly BlockWeights[];
  readonly norm: WeightInput;
  readonly head: WeightInput;
}

/** The graph inputs that carry the weights. */
export function weightInputs(config: ModelConfig): TransformerWeights {
  const { tensors } = modelLayout(config);
  const inputOf = (...names: readonly string[]): WeightInput => {
    const parts = names.map((name) => tensors.find((tensor) => tensor.name === name)!);
    const size = parts.reduce((sum, part) => sum + part.size, 0);
    const [first] = parts;
    const shape = names.length === 1 ? first!.shape : [size / config.width, config.width];
    return { value: input(names.join('+'), shape), offset: first!.offset, size };
  };
  const blockOf = (layer: string): BlockWeights => ({
    attentionNorm: inputOf(`${layer}.input_layernorm.weight`),
    qkv: inputOf(...['q', 'k', 'v'].map((part) => `${layer}.self_attn.${part}_proj.weight`)),
    output: inputOf(`${layer}.self_attn.o_proj.weight`),
    ffnNorm: inputOf(`${layer}.post_attention_layernorm.weight`),
    gate: inputOf(`${layer}.mlp.gate_proj.weight`),
    up: inputOf(`${layer}.mlp.up_proj.weight`),
    down: inputOf(`${layer}.mlp.down_proj.weight`),
  });
  return {
    embedding: inputOf('model.embed_tokens.weight'),
    blocks: Array.from({ length: config.layers }, (_, layer) => blockOf(`model.layers.${layer}`)),
    norm: inputOf('model.norm.weight'),
    head: inputOf('lm_head.weight'),
  };
}

/** All weight inputs, in layout order. */
export function allWeightInputs({ embedding, blocks, norm, head }: TransformerWeights): WeightInput[] {
  return [embedding, ...blocks.flatMap((block) => Object.values(block) as WeightInput[]), norm, head];
}

/** x (N, C), the embedded tokens → (N, C), the normed stream the head reads. Throws `SEQUENCE_TOO_LONG`. */
export function transformer(x: Value, weights: TransformerWeights, shape: ModelConfig & BatchShape): Value {
  checkLength(shape);
  const angles = rotaryAngles(shape);
  let stream = x;
  for (const block of weights.blocks) stream = transformerBlock(stream, block, { ...shape, angles });
  return rmsNorm(stream, weights.norm.value, shape.normEps); // (N, C)
}

export interface RotaryAngles {
  /** (T, D/2) */
  readonly cos: Value;
  readonly sin: Value;
}

export type BlockShape = ModelConfig & BatchShape & { readonly angles: RotaryAngles };

/** x (N, C) → (N, C). */
export function transformerBlock(x: Value, weights: BlockValues, shape: BlockShape): Value {
  const attended = selfAttention(rmsNorm(x, weights.attentionNorm.value, shape.normEps), weights, shape); // (N, C)
  const y = add(x, matmul(attended, weights.output.value, { transposeB: true })); // (N, C)
  return add(y, feedForward(rmsNorm(y, weights.ffnNorm.value, shape.normEps), weights)); // (N, C)
}

function selfAttention(x: Value, { qkv }: BlockValues, shape: BlockShape): Value {
  const { batch, sequenceLength, heads, kvHeads, width, angles } = shape;
  const depth = width / heads;
  const all = heads + 2 * kvHeads;
  const rows = reshape(matmul(x, qkv.value, { transposeB: true }), [batch, sequenceLength, all, depth]); // (B, T, H+2KV, D)
  const perHead = transpose(rows, [0, 2, 1, 3]); // (B, H+2KV, T, D)
  const headsFrom = (start: number, count: number): Value =>
    slice(perHead, { axis: 1, start, end: start + count });
  const turned = (part: Value): Value => rotary(part, angles.cos, angles.sin);
  const q = turned(headsFrom(0, heads)); // (B, H, T, D)
  const k = turned(headsFrom(heads, kvHeads)); // (B, KV, T, D)
  const v = headsFrom(heads + kvHeads, kvHeads); // (B, KV, T, D)
  const mixed = attention({ q, k, v, scale: 1 / Math.sqrt(depth) }); // (B, H, T, D)
  return reshape(transpose(mixed, [0, 2, 1, 3]), [-1, width]); // (N, C)
}

/** SwiGLU (Shazeer 2020, arXiv:2002.05202): (N, C) → (N, C). */
function feedForward(x: Value, { gate, up, down }: BlockValues): Value {
  const gated = matmul(x, gate.value, { transposeB: true }); // (N, F)
  const lifted = matmul(x, up.value, { transposeB: true }); // (N, F)
  return matmul(swiGlu(gated, lifted), down.value, { transposeB: true }); // (N, C)
}

/** Angle of pair i at position t: t·θ^(−2i/D). */
export function rotaryAngles({
  sequenceLength,
  width,
  heads,
  ropeTheta,
}: ModelConfig & BatchShape): RotaryAngles {
  const half = width / heads / 2;
  const cos = new Float32Array(sequenceLength * half);
  const sin = new Float32Array(sequenceLength * half);
  for (let t = 0; t < sequenceLength; t++)
    for (let i = 0; i < half; i++) {
      const angle = t * ropeTheta ** (-i / half);
      cos[t * half + i] = Math.cos(angle);
      sin[t * half + i] = Math.sin(angle);
    }
  return { cos: constant(cos, [sequenceLength, half]), sin: constant(sin, [sequenceLength, half]) };
}

/** Throws `SEQUENCE_TOO_LONG`. */
export function checkLength({ sequenceLength, context, name }: ModelConfig & BatchShape): void {
  if (sequenceLength <= context) return;
  const info = { code: 'SEQUENCE_TOO_LONG', sequenceLength, context } as const;
  throw new ModelError(info, `"${name}" reads at most ${context} tokens at a time, not ${sequenceLength}`);
}
