/**
 * @file A gradient function whose batch stays what it is while memory runs short: it is computed in fewer rows at once
 * and averaged. The gradient is that of the whole batch, up to the order of sums (SPEC TRAIN-5).
 */
import { createGradientFunction } from './createGradientFunction.js';
import type { FunctionOptions } from './gradientSession.js';
import type { GradientFunction } from './interface.js';
import type { ModelConfig } from './ModelConfig.js';
import { type ElasticParts, openElastic } from './openElastic.js';

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
  const elastic = await openElastic({
    ...{ rows: batch, onMicroBatch },
    compile: (rows) => create(config, { ...options, batch: rows }),
  });
  let sum = new Float32Array(0);
  return {
    batch,
    sequenceLength,
    run: (parameters, tokens, gradient) =>
      elastic.use(async (own, rows) => {
        if (rows === batch) return await own.run(parameters, tokens, gradient);
        if (sum.length !== gradient.length) sum = new Float32Array(gradient.length);
        return await averaged(own, { parameters, tokens, gradient, sum });
      }),
    dispose: () => elastic.dispose(),
  };
}

interface Averaged {
  readonly parameters: Float32Array;
  readonly tokens: Uint16Array;
  /** Holds the mean when all is done. */
  readonly gradient: Float32Array;
  readonly sum: Float32Array;
}

async function averaged(
  own: GradientFunction,
  { parameters, tokens, gradient, sum }: Averaged,
): Promise<number> {
  const size = own.batch * (own.sequenceLength + 1);
  const parts = tokens.length / size;
  let loss = 0;
  sum.fill(0);
  for (let part = 0; part < parts; part++) {
    loss += await own.run(parameters, tokens.subarray(part * size, (part + 1) * size), gradient);
    for (let i = 0; i < sum.length; i++) sum[i]! += gradient[i]! / parts;
  }
  gradient.set(sum);
  return loss / parts;
}
