/** @file The loss on a fixed sample of rows that are never trained on; the same rows throughout a run and across runs. */
import { type Dataset, rowCount, sampleRows } from '@alice/data';
import type { Platform } from '@alice/engine';
import { createLossFunction, type ModelConfig, openElastic } from '@alice/model';

const MAX_ROWS = 64;

export interface HeldOutOptions {
  readonly model: ModelConfig;
  readonly dataset: Dataset;
  readonly sequenceLength: number;
  readonly batch: number;
  readonly threads: number;
  readonly platform?: Platform | undefined;
}

export interface HeldOut {
  /** Mean over the rows, nats; `undefined` when the dataset has no validation rows. */
  loss(parameters: Float32Array): Promise<number | undefined>;
  dispose(): Promise<void>;
}

export async function openHeldOut(options: HeldOutOptions): Promise<HeldOut> {
  const { model, dataset, sequenceLength, batch, threads, platform } = options;
  const rowLength = sequenceLength + 1;
  const available = dataset.manifest.shards
    .filter(({ split }) => split === 'validation')
    .reduce((sum, { tokens }) => sum + rowCount(tokens, rowLength), 0);
  if (available === 0) return { loss: async () => undefined, dispose: async () => undefined };
  const rows = Math.min(MAX_ROWS, available);
  const tokens = await sampleRows({ dataset, split: 'validation', rows, rowLength, seed: 'held out' });
  const lossFunction = await openElastic({
    rows: batch,
    compile: (own) => createLossFunction(model, { batch: own, sequenceLength, threads, platform }),
  });
  return {
    async loss(parameters) {
      const losses = await lossFunction.use((own) => own.run(parameters, tokens));
      return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
    },
    dispose: () => lossFunction.dispose(),
  };
}
