/** @file What the passes over a streamed model share: shapes, layout, where the weights are, how the head is cut. */
import type { TensorLayout } from '@alice/protocol';
import type { ModelConfig } from '../ModelConfig.js';
import type { BatchShape, TransformerWeights, WeightInput } from '../transformer.js';
import { rangeOf } from './modelPart.js';
import type { WeightRange, WeightSource } from './WeightSource.js';

export interface StreamContext {
  readonly config: ModelConfig;
  readonly layout: TensorLayout;
  readonly source: WeightSource;
  readonly shape: ModelConfig & BatchShape;
  readonly weights: TransformerWeights;
  /** N = B·T. */
  readonly rows: number;
  readonly threads: number;
  /** Called after each part of a pass; what it throws ends the pass. */
  readonly onPart: () => void;
  /** Rows × vocabulary of the head's widest matrix, at most (one row there must be). */
  readonly headElements: number;
}

/** The weights of a block, in layout order. */
export function blockInputs({ weights }: StreamContext, block: number): WeightInput[] {
  return Object.values(weights.blocks[block]!) as WeightInput[];
}

/** The final norm and the head. */
export function headInputs({ weights }: StreamContext): WeightInput[] {
  return [weights.norm, weights.head];
}

/** The ranges of all blocks, first to last, then that of the head. */
export function partRanges(context: StreamContext): WeightRange[] {
  const blocks = context.weights.blocks.map((_, block) => rangeOf(blockInputs(context, block)));
  return [...blocks, rangeOf(headInputs(context))];
}

/** Rows of one run of the head: the most that divide N and stay within `headElements`. */
export function headRows({ rows, config, headElements }: StreamContext): number {
  let taken = Math.max(1, Math.min(rows, Math.floor(headElements / config.vocab)));
  while (rows % taken !== 0) taken--;
  return taken;
}
