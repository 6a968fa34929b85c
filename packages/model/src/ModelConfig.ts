/**
 * @file The shape of a model, the presets, and the check that a shape is one the transformer can have.
 * Dimension letters used in this package: B batch, T time, C width, H query heads, KV key/value heads, D channels of a
 * head (C/H), F feed-forward width, V vocabulary, L layers, N = B·T.
 */
import { ModelError } from './errors.js';

export interface ModelConfig {
  readonly name: string;
  /** L: transformer blocks. */
  readonly layers: number;
  /** C: channels of the residual stream; a multiple of `heads`, and C/heads is even. */
  readonly width: number;
  /** H: query heads; a multiple of `kvHeads`. */
  readonly heads: number;
  /** KV: key/value heads. */
  readonly kvHeads: number;
  /** F: channels within the SwiGLU feed-forward layer. */
  readonly ffn: number;
  /** Longest sequence, in tokens. */
  readonly context: number;
  /** V: token ids are 0 … V−1; at most 65,536, since tokens travel as 16-bit numbers. */
  readonly vocab: number;
  /** Base of the rotary angles. */
  readonly ropeTheta: number;
  /** ε under the root of every RMSNorm. */
  readonly normEps: number;
}

export type PresetName = 'nano' | 'tiny' | '100m' | '1b' | '7b';

const GPT2_VOCAB = 50_257;
const common = { ropeTheta: 10_000, normEps: 1e-5 };

/** One dial: a preset fixes everything. The small ones may take another vocabulary. SPEC MODEL-1 */
export const presets: Readonly<Record<PresetName, ModelConfig>> = {
  nano: {
    name: 'nano',
    layers: 4,
    width: 128,
    heads: 4,
    kvHeads: 2,
    ffn: 384,
    context: 128,
    vocab: 4_096,
    ...common,
  },
  tiny: {
    name: 'tiny',
    layers: 6,
    width: 256,
    heads: 8,
    kvHeads: 4,
    ffn: 704,
    context: 256,
    vocab: 8_192,
    ...common,
  },
  '100m': {
    name: '100m',
    layers: 12,
    width: 768,
    heads: 12,
    kvHeads: 4,
    ffn: 2_048,
    context: 1_024,
    vocab: GPT2_VOCAB,
    ...common,
  },
  '1b': {
    name: '1b',
    layers: 20,
    width: 2_048,
    heads: 16,
    kvHeads: 4,
    ffn: 5_632,
    context: 2_048,
    vocab: GPT2_VOCAB,
    ...common,
  },
  '7b': {
    name: '7b',
    layers: 32,
    width: 4_096,
    heads: 32,
    kvHeads: 8,
    ffn: 11_264,
    context: 4_096,
    vocab: GPT2_VOCAB,
    ...common,
  },
};

/** A preset, with any of its numbers replaced. Throws `PRESET_UNKNOWN`, `CONFIG_INVALID`. */
export function resolveModel(
  preset: string,
  overrides: Partial<Omit<ModelConfig, 'name'>> = {},
): ModelConfig {
  const known = Object.keys(presets);
  if (!known.includes(preset))
    throw new ModelError(
      { code: 'PRESET_UNKNOWN', preset, known },
      `no preset "${preset}": use ${known.join(', ')}`,
    );
  return checkConfig({ ...presets[preset as PresetName], ...overrides });
}

/** Returns the config if a transformer can have this shape. Throws `CONFIG_INVALID`. */
export function checkConfig(config: ModelConfig): ModelConfig {
  for (const field of ['layers', 'width', 'heads', 'kvHeads', 'ffn', 'context', 'vocab'] as const)
    require(Number.isSafeInteger(config[field]) && config[field] > 0, field, config);
  require(config.width % (2 * config.heads) === 0, 'width', config);
  require(config.heads % config.kvHeads === 0, 'kvHeads', config);
  require(config.vocab <= 65_536, 'vocab', config);
  require(config.ropeTheta > 0, 'ropeTheta', config);
  require(config.normEps > 0, 'normEps', config);
  return config;
}

function require(holds: boolean, field: Exclude<keyof ModelConfig, 'name'>, config: ModelConfig): void {
  if (holds) return;
  const info = { code: 'CONFIG_INVALID', field, value: config[field] } as const;
  throw new ModelError(
    info,
    `model "${config.name}": ${field} = ${config[field]} does not fit the other dimensions`,
  );
}
