/** @file Seeded vectors and layouts for tests. */
import { layoutOf, seededRandom, type TensorLayout } from '@alice/protocol';

/** Normal values of a given spread. */
export function normalVector(seed: string, size: number, spread = 1): Float32Array {
  const random = seededRandom(`vector/${seed}`);
  return Float32Array.from({ length: size }, () => spread * random.normal());
}

/** One tensor of each kind that optimisers treat differently, tall, wide and square matrices among them. */
export function transformerLikeLayout(): TensorLayout {
  return layoutOf([
    ['model.embed_tokens.weight', [13, 8]],
    ['model.layers.0.self_attn.q_proj.weight', [8, 8]],
    ['model.layers.0.mlp.up_proj.weight', [20, 8]],
    ['model.layers.0.mlp.down_proj.weight', [8, 20]],
    ['model.norm.weight', [8]],
    ['lm_head.weight', [13, 8]],
  ]);
}

/** Two chunks and a bit in one tensor, less than a chunk in the others. */
export function chunkyLayout(): TensorLayout {
  return layoutOf([
    ['a', [3, 3000]],
    ['b', [7]],
    ['c', [50, 20]],
  ]);
}
