/**
 * @file `config.json` as transformers reads it: Alice's transformer is LlamaForCausalLM, so the numbers only change
 * their names. What transformers has no word for (preset, tokenizer id) is kept under `alice`, which it ignores and
 * keeps. Reading refuses every setting that would make another function of the same weights.
 */

import { checkConfig, type ModelConfig } from '../ModelConfig.js';
import { CheckpointError, corrupt } from './checkpointError.js';
import type { StoredType } from './elementTypes.js';

export interface CheckpointFacts {
  /** Tokenizer the model was trained with: `gpt2` or `gpt2-N`. */
  readonly tokenizerId: string;
  /** Published version and state root, where the weights are a network's. */
  readonly version?: number | undefined;
  readonly stateRoot?: string | undefined;
}

/** The file's text. */
export function huggingFaceConfig(config: ModelConfig, facts: CheckpointFacts, dtype: StoredType): string {
  const separator = config.vocab - 1;
  const content = {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    vocab_size: config.vocab,
    hidden_size: config.width,
    intermediate_size: config.ffn,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    num_key_value_heads: config.kvHeads,
    head_dim: config.width / config.heads,
    max_position_embeddings: config.context,
    rms_norm_eps: config.normEps,
    rope_theta: config.ropeTheta,
    rope_scaling: null,
    ...FIXED,
    attention_dropout: 0,
    initializer_range: 0.02,
    bos_token_id: separator,
    eos_token_id: separator,
    use_cache: true,
    torch_dtype: dtype === 'F32' ? 'float32' : 'float16',
    alice: { preset: config.name, ...facts },
  };
  return `${JSON.stringify(content, null, 2)}\n`;
}

/** What the function of the weights depends on besides numbers. */
const FIXED = {
  hidden_act: 'silu',
  attention_bias: false,
  mlp_bias: false,
  tie_word_embeddings: false,
} as const;

const NUMBERS = {
  layers: 'num_hidden_layers',
  width: 'hidden_size',
  heads: 'num_attention_heads',
  kvHeads: 'num_key_value_heads',
  ffn: 'intermediate_size',
  context: 'max_position_embeddings',
  vocab: 'vocab_size',
  normEps: 'rms_norm_eps',
} as const;

/** Reads what `huggingFaceConfig` wrote, also after transformers saved it again. Throws `CHECKPOINT_CONFIG`, `CHECKPOINT_CORRUPT`, `CONFIG_INVALID`. */
export function parseHuggingFaceConfig(
  file: string,
  text: string,
): { config: ModelConfig; facts: CheckpointFacts } {
  const content = objectOf(file, text);
  if (content['model_type'] !== 'llama') throw unsupported(file, 'model_type');
  for (const [field, value] of Object.entries(FIXED))
    if ((content[field] ?? value) !== value) throw unsupported(file, field);
  const numbers = Object.fromEntries(
    Object.entries(NUMBERS).map(([name, field]) => [name, numberOf(file, content, field)]),
  ) as Record<keyof typeof NUMBERS, number>;
  const alice = (content['alice'] ?? {}) as Record<string, unknown>;
  const { preset = 'checkpoint', tokenizerId, version, stateRoot } = alice;
  if (typeof tokenizerId !== 'string') throw unsupported(file, 'alice.tokenizerId');
  const config = checkConfig({ name: String(preset), ...numbers, ropeTheta: ropeTheta(file, content) });
  if ((content['head_dim'] ?? config.width / config.heads) !== config.width / config.heads)
    throw unsupported(file, 'head_dim');
  const facts: CheckpointFacts = {
    tokenizerId,
    ...(typeof version === 'number' ? { version } : {}),
    ...(typeof stateRoot === 'string' ? { stateRoot } : {}),
  };
  return { config, facts };
}

function objectOf(file: string, text: string): Record<string, unknown> {
  try {
    const content: unknown = JSON.parse(text);
    if (typeof content === 'object' && content !== null) return content as Record<string, unknown>;
  } catch {
    // falls through to the one error below
  }
  throw corrupt(file, 'it is not a JSON object');
}

function numberOf(file: string, content: Record<string, unknown>, field: string): number {
  const value = content[field];
  if (typeof value !== 'number') throw unsupported(file, field);
  return value;
}

/** Newer releases of transformers keep the base under `rope_parameters`. Scaled angles are another function. */
function ropeTheta(file: string, content: Record<string, unknown>): number {
  const scaling = (content['rope_parameters'] ?? content['rope_scaling'] ?? {}) as Record<string, unknown>;
  if ((scaling['rope_type'] ?? 'default') !== 'default') throw unsupported(file, 'rope_type');
  const theta = scaling['rope_theta'] ?? content['rope_theta'];
  if (typeof theta !== 'number') throw unsupported(file, 'rope_theta');
  return theta;
}

function unsupported(file: string, field: string): CheckpointError {
  return new CheckpointError(
    { code: 'CHECKPOINT_CONFIG', file, field },
    `${file}: "${field}" is missing or says something this program does not compute. Only checkpoints that "alice export" or "alice train" wrote can be opened`,
  );
}
