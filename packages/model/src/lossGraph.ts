/** @file The graph from tokens to losses that both the gradient and the loss function are made of. */
import { gather, input, linearCrossEntropy, type Value } from '@alice/engine';
import type { ModelConfig } from './ModelConfig.js';
import { type BatchShape, type TransformerWeights, transformer, weightInputs } from './transformer.js';

export interface LossGraph {
  readonly weights: TransformerWeights;
  /** (N, C) */
  readonly embedded: Value;
  /** (N): loss of each position in nats. */
  readonly losses: Value;
}

/** Tokens → embedded rows → losses, with everything a gradient or a loss is taken of. */
export function lossGraph(config: ModelConfig, shape: BatchShape): LossGraph {
  const rows = shape.batch * shape.sequenceLength;
  const weights = weightInputs(config);
  const embedded = gather(weights.embedding.value, input('inputs', [rows], 'int32')); // (N, C)
  const hidden = transformer(embedded, weights, { ...config, ...shape }); // (N, C)
  const labels = input('labels', [rows], 'int32');
  const losses = linearCrossEntropy(hidden, weights.head.value, labels); // (N)
  return { weights, embedded, losses };
}
