/**
 * @file How probable a model finds the marked tokens of each row: what the frozen reference of preference learning is
 * asked, and what held-out losses of masked training are made of. Rows never see each other.
 */
import { openSession, tensorOf } from '@alice/engine';
import { rowGroup } from '../createLossFunction.js';
import type { FunctionOptions } from '../gradientSession.js';
import { lossGraph } from '../lossGraph.js';
import { checkConfig, type ModelConfig } from '../ModelConfig.js';
import { parameterCount } from '../modelLayout.js';
import { splitInputsAndLabels } from '../splitInputsAndLabels.js';
import { allWeightInputs, type BatchShape } from '../transformer.js';
import { checkParameters, weightFeeds } from '../weightFeeds.js';
import { labelMask, type MaskedRows } from './maskedRows.js';

export interface LogProbabilityFunction extends BatchShape {
  /** Σ log π of the marked tokens of each row, nats; any number of rows. Throws as `createLossFunction`, `MASK_SIZE`. */
  run(parameters: Float32Array, rows: MaskedRows): Promise<Float64Array>;
  dispose(): Promise<void>;
}

/** Compiles the function for one group size. Throws `SEQUENCE_TOO_LONG`. Cost: about 2·parameters operations a token. */
export async function createLogProbabilityFunction(
  config: ModelConfig,
  options: FunctionOptions,
): Promise<LogProbabilityFunction> {
  const { batch, sequenceLength, threads, lean, platform } = options;
  const { weights, losses } = lossGraph(checkConfig(config), options);
  const session = await openSession({ losses }, { threads, lean, platform });
  const size = parameterCount(config);
  const groupLength = batch * sequenceLength;
  return {
    batch,
    sequenceLength,
    async run(parameters, rows) {
      checkParameters(parameters, size);
      const mask = labelMask(rows, sequenceLength);
      const split = splitInputsAndLabels(rows.tokens, { sequenceLength, vocab: config.vocab });
      const feeds = weightFeeds(parameters, allWeightInputs(weights));
      const results = new Float64Array(split.rows);
      for (let row = 0; row < split.rows; row += batch) {
        const inputs = tensorOf(rowGroup(split.inputs, row * sequenceLength, options), [groupLength]);
        const labels = tensorOf(rowGroup(split.labels, row * sequenceLength, options), [groupLength]);
        const { losses: found } = await session.run({ ...feeds, inputs, labels });
        const present = Math.min(groupLength, mask.length - row * sequenceLength);
        for (let i = 0; i < present; i++) {
          const at = row * sequenceLength + i;
          results[Math.floor(at / sequenceLength)]! -= mask[at]! * found!.data[i]!;
        }
      }
      return results;
    },
    dispose: () => session.release(),
  };
}
