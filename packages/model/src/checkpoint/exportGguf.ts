/**
 * @file One file that llama.cpp and what is built on it open: GGUF with architecture `llama`, weights in F32 or F16
 * (norms always F32) and the tokenizer inside. SPEC MODEL-2
 */
import type { TensorSpec } from '@alice/protocol';
import { checkConfig, type ModelConfig } from '../ModelConfig.js';
import { type ByteLevelTable, byteLevelTable } from './byteLevelTable.js';
import { elementBytes, type StoredType, storedBytes } from './elementTypes.js';
import type { ExportOptions } from './exportSafetensors.js';
import { type GgufTensor, GgufWriter, ggufPadding } from './GgufWriter.js';
import type { CheckpointFacts } from './huggingFaceConfig.js';
import type { WrittenFile } from './nodeFiles.js';

export interface GgufExportOptions extends ExportOptions {
  /** The file, usually `….gguf`. */
  readonly path: string;
}

/** `general.file_type`: what most weights are. */
const FILE_TYPE = { F32: 0, F16: 1 } as const;
/** `tokenizer.ggml.token_type`. */
const NORMAL = 1;
const CONTROL = 3;

/** Writes the file whole or not at all, and its hash beside it (`….sha256`). Cost: every tensor is read once; memory for one at a time. */
export async function exportGguf(options: GgufExportOptions): Promise<WrittenFile> {
  const { writeSum, writeWhole } = await import('./nodeFiles.js');
  const { weights, dtype, facts, path, onFile } = options;
  const config = checkConfig(options.config);
  const head = describe(config, facts, dtype);
  describeTokenizer(head, await byteLevelTable(facts.tokenizerId));
  const tensors = weights.layout.tensors.map((spec) => ({ spec, stored: storedAs(spec, dtype) }));
  async function* pieces(): AsyncIterable<Uint8Array> {
    yield head.head(tensors.map(({ stored }) => stored));
    for (const { spec, stored } of tensors) {
      yield storedBytes(arrange(await weights.read(spec), spec, config), stored.type);
      yield new Uint8Array(ggufPadding(stored.sizeBytes));
    }
  }
  const file = await writeWhole(path, pieces());
  await writeSum(file);
  onFile?.(file);
  return file;
}

function describe(config: ModelConfig, facts: CheckpointFacts, dtype: StoredType): GgufWriter {
  const head = new GgufWriter()
    .text('general.architecture', 'llama')
    .text('general.name', `Alice ${config.name}`)
    .u32('general.file_type', FILE_TYPE[dtype])
    .u32('general.alignment', 32)
    .u32('llama.vocab_size', config.vocab)
    .u32('llama.context_length', config.context)
    .u32('llama.embedding_length', config.width)
    .u32('llama.block_count', config.layers)
    .u32('llama.feed_forward_length', config.ffn)
    .u32('llama.attention.head_count', config.heads)
    .u32('llama.attention.head_count_kv', config.kvHeads)
    .f32('llama.attention.layer_norm_rms_epsilon', config.normEps)
    .u32('llama.rope.dimension_count', config.width / config.heads)
    .f32('llama.rope.freq_base', config.ropeTheta);
  if (facts.stateRoot !== undefined) head.text('alice.state_root', facts.stateRoot);
  if (facts.version !== undefined) head.u32('alice.version', facts.version);
  return head.text('alice.tokenizer', facts.tokenizerId);
}

function describeTokenizer(head: GgufWriter, { tokens, merges, separator }: ByteLevelTable): void {
  head
    .text('tokenizer.ggml.model', 'gpt2')
    .text('tokenizer.ggml.pre', 'gpt-2')
    .texts('tokenizer.ggml.tokens', tokens)
    .ints(
      'tokenizer.ggml.token_type',
      tokens.map((_, id) => (id === separator ? CONTROL : NORMAL)),
    )
    .texts('tokenizer.ggml.merges', merges)
    .u32('tokenizer.ggml.bos_token_id', separator)
    .u32('tokenizer.ggml.eos_token_id', separator)
    .bool('tokenizer.ggml.add_bos_token', false)
    .bool('tokenizer.ggml.add_eos_token', false);
}

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

function storedAs({ name, shape, size }: TensorSpec, dtype: StoredType): GgufTensor {
  const type = shape.length === 1 ? 'F32' : dtype; // llama.cpp multiplies by norms in F32 only
  return { name: ggufName(name), shape, type, sizeBytes: size * elementBytes[type] };
}

/**
 * Rows of q and k in the order of llama.cpp's rotary embedding, which turns neighbouring channels (2i, 2i + 1) of a
 * head where ours turns (i, i + D/2): row i of each half goes to 2i and 2i + 1. Scores q·k do not notice.
 */
function arrange(values: Float32Array, { name }: TensorSpec, config: ModelConfig): Float32Array {
  const isKey = name.includes('.k_proj.');
  if (!isKey && !name.includes('.q_proj.')) return values;
  const { width, heads, kvHeads } = config;
  const half = width / heads / 2;
  const arranged = new Float32Array(values.length);
  for (let head = 0; head < (isKey ? kvHeads : heads); head++)
    for (let i = 0; i < 2 * half; i++) {
      const to = i < half ? 2 * i : 2 * (i - half) + 1;
      const from = (head * 2 * half + i) * width;
      arranged.set(values.subarray(from, from + width), (head * 2 * half + to) * width);
    }
  return arranged;
}
