/**
 * @file A gradient function whose batch stays what it is while memory runs short: it is computed in fewer rows at once
 * and averaged. The gradient is that of the whole batch, up to the order of sums (SPEC TRAIN-5).
 */
import type { BatchGradient } from './interface.js';
import { type Compiled, type ElasticParts, openElastic } from './openElastic.js';

export interface ElasticGradientParts<Batch> extends ElasticParts<BatchGradient<Batch> & Compiled> {
  /** Equal parts of a batch; the mean of their losses is that of the batch. */
  readonly cut: (batch: Batch, parts: number) => readonly Batch[];
}

/** Throws what compiling throws, and `OUT_OF_MEMORY` when a single row is too much. */
export async function openElasticGradient<Batch>(
  parts: ElasticGradientParts<Batch>,
): Promise<BatchGradient<Batch> & Compiled> {
  const { rows: whole, cut } = parts;
  const elastic = await openElastic(parts);
  let sum = new Float32Array(0);
  return {
    run: (parameters, batch, gradient) =>
      elastic.use(async (own, rows) => {
        if (rows === whole) return await own.run(parameters, batch, gradient);
        if (sum.length !== gradient.length) sum = new Float32Array(gradient.length);
        const loss = await averaged(own, { parameters, gradient, sum, batches: cut(batch, whole / rows) });
        gradient.set(sum);
        return loss;
      }),
    dispose: () => elastic.dispose(),
  };
}

interface Averaged<Batch> {
  readonly parameters: Float32Array;
  readonly batches: readonly Batch[];
  readonly gradient: Float32Array;
  /** Holds the mean when all is done. */
  readonly sum: Float32Array;
}

async function averaged<Batch>(
  own: BatchGradient<Batch>,
  { parameters, batches, gradient, sum }: Averaged<Batch>,
): Promise<number> {
  let loss = 0;
  sum.fill(0);
  for (const batch of batches) {
    loss += await own.run(parameters, batch, gradient);
    for (let i = 0; i < sum.length; i++) sum[i]! += gradient[i]! / batches.length;
  }
  return loss / batches.length;
}
