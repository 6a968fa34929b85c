/**
 * @file Names, shapes and order of a model's tensors in the flat vector. Names and orientation are those of the Llama
 * family in transformers: a projection is stored (outputs, inputs), so y = x·Wᵀ, and export needs no transposing.
 * Order matters for speed: q, k, v follow one another, as do gate and up, so each group is also one matrix, without a
 * copy. SPEC MODEL-2
 */
import { layoutOf, type TensorLayout } from '@alice/protocol';
import type { ModelConfig } from './ModelConfig.js';

type NamedShape = readonly [name: string, shape: readonly number[]];

/** The layout of a model. */
export function modelLayout(config: ModelConfig): TensorLayout {
  const { layers, width, vocab } = config;
  return layoutOf([
    ['model.embed_tokens.weight', [vocab, width]],
    ...Array.from({ length: layers }, (_, layer) => layerShapes(config, `model.layers.${layer}`)).flat(),
    ['model.norm.weight', [width]],
    ['lm_head.weight', [vocab, width]],
  ]);
}

/** How many numbers the model consists of. */
export function parameterCount(config: ModelConfig): number {
  return modelLayout(config).size;
}

function layerShapes({ width, heads, kvHeads, ffn }: ModelConfig, layer: string): NamedShape[] {
  const kvWidth = (width / heads) * kvHeads;
  return [
    [`${layer}.input_layernorm.weight`, [width]],
    [`${layer}.self_attn.q_proj.weight`, [width, width]],
    [`${layer}.self_attn.k_proj.weight`, [kvWidth, width]],
    [`${layer}.self_attn.v_proj.weight`, [kvWidth, width]],
    [`${layer}.self_attn.o_proj.weight`, [width, width]],
    [`${layer}.post_attention_layernorm.weight`, [width]],
    [`${layer}.mlp.gate_proj.weight`, [ffn, width]],
    [`${layer}.mlp.up_proj.weight`, [ffn, width]],
    [`${layer}.mlp.down_proj.weight`, [width, ffn]],
  ];
}
