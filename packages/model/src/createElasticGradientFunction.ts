/**
 * @file A gradient function whose batch stays what it is while memory runs short: it is computed in fewer rows at once
 * and averaged. The gradient is that of the whole batch, up to the order of sums (SPEC TRAIN-5).
 */
import { errorCodeOf } from '@alice/protocol';
import { createGradientFunction } from './createGradientFunction.js';
import type { FunctionOptions } from './gradientSession.js';
import type { GradientFunction } from './interface.js';
import type { ModelConfig } from './ModelConfig.js';

export interface ElasticOptions extends FunctionOptions {
  /** Told when memory ran out, with the rows that are computed at once from now on. */
  readonly onMicroBatch?: ((rows: number) => void) | undefined;
  /** Makes the function of one micro-batch; tests put another in its place. */
  readonly create?: typeof createGradientFunction;
}

/** Throws what `createGradientFunction` throws, and `OUT_OF_MEMORY` when a single row is too much. */
export async function createElasticGradientFunction(
  config: ModelConfig,
  options: ElasticOptions,
): Promise<GradientFunction> {
  const { batch, sequenceLength, onMicroBatch, create = createGradientFunction } = options;
  let inner: GradientFunction | undefined;
  const sum = { memory: new Float32Array(0) };

  /** Repeats `work` with smaller and smaller micro-batches as long as memory is what it fails for. */
  const fitted = async <T>(work: (own: GradientFunction) => Promise<T>): Promise<T> => {
    let rows = inner?.batch ?? batch;
    for (;;) {
      try {
        inner ??= await create(config, { ...options, batch: rows });
        return await work(inner);
      } catch (error) {
        if (errorCodeOf(error) !== 'OUT_OF_MEMORY' || rows === 1) throw error;
        await inner?.dispose();
        inner = undefined;
        rows = smallerDivisor(batch, rows);
        onMicroBatch?.(rows);
      }
    }
  };

  await fitted(async () => undefined);
  return {
    batch,
    sequenceLength,
    run: (parameters, tokens, gradient) =>
      fitted(async (own) => {
        if (own.batch === batch) return await own.run(parameters, tokens, gradient);
        if (sum.memory.length !== gradient.length) sum.memory = new Float32Array(gradient.length);
        return await averaged(own, { parameters, tokens, gradient, sum: sum.memory });
      }),
    async dispose() {
      await inner?.dispose();
      inner = undefined;
    },
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

function smallerDivisor(whole: number, below: number): number {
  for (let size = below - 1; size > 1; size--) if (whole % size === 0) return size;
  return 1;
}
