/**
 * @file The models there are, smallest first: `nano` learns in seconds on a laptop, `7b` is what the network is for.
 * One table; nothing else in the code knows these numbers. SPEC MODEL-1
 */
import { ModelError } from './errors.js';
import { checkConfig, type ModelConfig } from './ModelConfig.js';

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
