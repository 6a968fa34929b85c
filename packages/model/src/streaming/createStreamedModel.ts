/**
 * @file Losses and gradients of a model whose weights need not fit into memory: block after block is read, used and
 * forgotten. The forward pass keeps only the input of each block; the backward pass computes each block once more
 * (Chen et al. 2016, arXiv:1604.06174, taken to one block a segment) and hands out each tensor's gradient as soon as it
 * exists. All blocks run in one compiled session. Peak memory: one block's weights and gradients, or the head's.
 */
import type { SparseTensor } from '@alice/protocol';
import { ModelError } from '../errors.js';
import { checkConfig, type ModelConfig } from '../ModelConfig.js';
import { modelLayout } from '../modelLayout.js';
import { type BatchShape, checkLength, weightInputs } from '../transformer.js';
import { denseDelivery, sparseDelivery, type TensorGradient } from './GradientDelivery.js';
import type { WeightChange } from './modelPart.js';
import type { StreamContext } from './StreamContext.js';
import { streamedGradient } from './streamedGradient.js';
import { streamedLosses } from './streamedLosses.js';
import type { WeightSource } from './WeightSource.js';

export interface StreamedModelOptions extends BatchShape {
  readonly threads: number;
  readonly source: WeightSource;
  /** Rows × vocabulary of the widest matrix the head makes at once. Default: 2²⁵ elements, 128 MiB. */
  readonly headElements?: number;
  /** Called after each part of a pass (a gradient has two for every block and one for the head); what it throws ends the pass. */
  readonly onPart?: () => void;
}

export interface StreamedModel extends BatchShape {
  /**
   * The mean loss of rows of T + 1 tokens, `batch` of them or a multiple, which then are micro-batches. Hands every tensor's gradient to `onGradient`: norm and head first,
   * then the blocks from last to first, the embedding at the end. Cost: about 8·parameters operations a token, a
   * quarter of them for computing the blocks again; the weights are read twice.
   */
  gradient(
    tokens: Uint16Array,
    onGradient: (gradient: TensorGradient) => void | Promise<void>,
  ): Promise<number>;
  /**
   * The same of `batch` rows, but of each tensor's gradient only the largest entries are handed over: ⌈density·n⌉ of every chunk of n.
   * They are found where the gradient is computed, which spares the memory of the rest and the time to move it.
   */
  largestGradients(
    tokens: Uint16Array,
    density: number,
    onEntries: (entries: SparseTensor) => void | Promise<void>,
  ): Promise<number>;
  /**
   * The mean loss of each row, once for each change of the weights. Any number of rows and changes share one reading.
   */
  losses(tokens: Uint16Array, changes?: readonly WeightChange[]): Promise<Float64Array[]>;
}

/** Default of `headElements`. */
const HEAD_ELEMENTS = 2 ** 25;

/**
 * A model over a source of weights, which stays the caller's. Opens its sessions when they are needed and frees them
 * after each pass. Throws `SEQUENCE_TOO_LONG`, `WEIGHTS_UNREADABLE` when the source is not as large as the model; the
 * functions throw `TOKENS_RAGGED`, `TOKEN_OUT_OF_RANGE` and what the source throws.
 */
export function createStreamedModel(config: ModelConfig, options: StreamedModelOptions): StreamedModel {
  const { batch, sequenceLength, source, headElements = HEAD_ELEMENTS } = options;
  checkLength({ ...checkConfig(config), batch, sequenceLength });
  const layout = modelLayout(config);
  if (source.size !== layout.size)
    throw new ModelError(
      { code: 'WEIGHTS_UNREADABLE', offset: 0, size: layout.size, available: source.size },
      `"${config.name}" has ${layout.size} weights, the source ${source.size}: they are another model's`,
    );
  const context: StreamContext = {
    ...{ config, layout, source, headElements, threads: options.threads },
    onPart: options.onPart ?? (() => {}),
    shape: { ...config, batch, sequenceLength },
    weights: weightInputs(config),
    rows: batch * sequenceLength,
  };
  return {
    batch,
    sequenceLength,
    gradient: (tokens, onGradient) => streamedGradient(context, tokens, denseDelivery(context, onGradient)),
    largestGradients: async (tokens, density, onEntries) =>
      streamedGradient(context, oneBatch(context, tokens), sparseDelivery(context, density, onEntries)),
    losses: (tokens, changes = [{}]) => streamedLosses(context, tokens, changes),
  };
}

/** Throws `TOKENS_RAGGED`. */
function oneBatch({ shape }: StreamContext, tokens: Uint16Array): Uint16Array {
  const { batch, sequenceLength } = shape;
  if (tokens.length === batch * (sequenceLength + 1)) return tokens;
  throw new ModelError(
    { code: 'TOKENS_RAGGED', length: tokens.length, rowLength: sequenceLength + 1 },
    `${tokens.length} tokens are not ${batch} rows of ${sequenceLength + 1} (sequence length + 1)`,
  );
}
