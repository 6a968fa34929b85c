/**
 * @file Tensors as llama.cpp names and orders them, and the way back. What differs from ours is the order of rows of q and k:
 * its rotary embedding turns neighbouring channels (2i, 2i + 1) of a head where ours turns (i, i + D/2). Scores q·k do
 * not notice.
 */
import type { TensorSpec } from '@alice/protocol';
import type { ModelConfig } from '../ModelConfig.js';
import { elementBytes, type StoredType } from './elementTypes.js';
import type { GgufTensor } from './GgufWriter.js';

const NAMES: readonly (readonly [RegExp, string])[] = [
  [/^model\.embed_tokens\./, 'token_embd.'],
  [/^model\.norm\./, 'output_norm.'],
  [/^lm_head\./, 'output.'],
  [/^model\.layers\.(\d+)\.input_layernorm\./, 'blk.$1.attn_norm.'],
  [/^model\.layers\.(\d+)\.self_attn\.([qkv])_proj\./, 'blk.$1.attn_$2.'],
  [/^model\.layers\.(\d+)\.self_attn\.o_proj\./, 'blk.$1.attn_output.'],
  [/^model\.layers\.(\d+)\.post_attention_layernorm\./, 'blk.$1.ffn_norm.'],
  [/^model\.layers\.(\d+)\.mlp\.(gate|up|down)_proj\./, 'blk.$1.ffn_$2.'],
];

/** A tensor's name in GGUF. */
export function ggufName(name: string): string {
  for (const [from, to] of NAMES) if (from.test(name)) return name.replace(from, to);
  throw new Error(`cannot happen: no GGUF name for ${name}`);
}

export function storedAs({ name, shape, size }: TensorSpec, dtype: StoredType): GgufTensor {
  const type = shape.length === 1 ? 'F32' : dtype; // llama.cpp multiplies by norms in F32 only
  return { name: ggufName(name), shape, type, sizeBytes: size * elementBytes[type] };
}

/** The rows of q and k in the order of llama.cpp; other tensors as they are. */
export function arranged(values: Float32Array, { name }: TensorSpec, config: ModelConfig): Float32Array {
  return withRows(values, { name, config }, (ours, theirs) => ({ from: ours, to: theirs }));
}

/** The way back. */
export function rearranged(values: Float32Array, { name }: TensorSpec, config: ModelConfig): Float32Array {
  return withRows(values, { name, config }, (ours, theirs) => ({ from: theirs, to: ours }));
}

/** Row i of each half of a head lies at 2i and 2i + 1 there. */
function withRows(
  values: Float32Array,
  { name, config }: { readonly name: string; readonly config: ModelConfig },
  move: (ours: number, theirs: number) => { readonly from: number; readonly to: number },
): Float32Array {
  const isKey = name.includes('.k_proj.');
  if (!isKey && !name.includes('.q_proj.')) return values;
  const { width, heads, kvHeads } = config;
  const half = width / heads / 2;
  const moved = new Float32Array(values.length);
  for (let head = 0; head < (isKey ? kvHeads : heads); head++)
    for (let i = 0; i < 2 * half; i++) {
      const { from, to } = move(i, i < half ? 2 * i : 2 * (i - half) + 1);
      const first = head * 2 * half;
      moved.set(values.subarray((first + from) * width, (first + from + 1) * width), (first + to) * width);
    }
  return moved;
}
