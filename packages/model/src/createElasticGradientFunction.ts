/** @file The language-model gradient that lives with less memory than its batch wants (`openElasticGradient`). */
import { createGradientFunction } from './createGradientFunction.js';
import type { FunctionOptions } from './gradientSession.js';
import type { GradientFunction } from './interface.js';
import type { ModelConfig } from './ModelConfig.js';
import { cutTokens } from './objectives/cutBatch.js';
import type { ElasticParts } from './openElastic.js';
import { openElasticGradient } from './openElasticGradient.js';

export interface ElasticOptions
  extends FunctionOptions,
    Pick<ElasticParts<GradientFunction>, 'onMicroBatch'> {
  /** Makes the function of one micro-batch; tests put another in its place. */
  readonly create?: typeof createGradientFunction;
}

/** Throws what `createGradientFunction` throws, and `OUT_OF_MEMORY` when a single row is too much. */
export async function createElasticGradientFunction(
  config: ModelConfig,
  options: ElasticOptions,
): Promise<GradientFunction> {
  const { batch, sequenceLength, onMicroBatch, create = createGradientFunction } = options;
  const elastic = await openElasticGradient({
    ...{ rows: batch, onMicroBatch, cut: cutTokens },
    compile: (rows) => create(config, { ...options, batch: rows }),
  });
  return { ...elastic, batch, sequenceLength };
}
