/**
 * @file The shape of a model, and the check that a shape is one the transformer can have.
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

/** Returns the config if a transformer can have this shape. Throws `CONFIG_INVALID`. */
export function checkConfig(config: ModelConfig): ModelConfig {
  for (const field of ['layers', 'width', 'heads', 'kvHeads', 'ffn', 'context', 'vocab'] as const)
    demand(Number.isSafeInteger(config[field]) && config[field] > 0, field, config);
  demand(config.width % (2 * config.heads) === 0, 'width', config);
  demand(config.heads % config.kvHeads === 0, 'kvHeads', config);
  demand(config.vocab <= 65_536, 'vocab', config);
  demand(config.ropeTheta > 0, 'ropeTheta', config);
  demand(config.normEps > 0, 'normEps', config);
  return config;
}

function demand(holds: boolean, field: Exclude<keyof ModelConfig, 'name'>, config: ModelConfig): void {
  if (holds) return;
  const info = { code: 'CONFIG_INVALID', field, value: config[field] } as const;
  throw new ModelError(
    info,
    `model "${config.name}": ${field} = ${config[field]} does not fit the other dimensions`,
  );
}
