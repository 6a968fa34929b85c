/**
 * @file The mean loss of each row of tokens, for scoring and validation. Rows are taken `batch` at a time; the last
 * group is filled up with copies of its first row, whose results are dropped. Rows never see each other.
 */
import { openSession, reduceMean, reshape, tensorOf } from '@alice/engine';
import type { FunctionOptions } from './gradientSession.js';
import type { LossFunction } from './interface.js';
import { lossGraph } from './lossGraph.js';
import { checkConfig, type ModelConfig } from './ModelConfig.js';
import { parameterCount } from './modelLayout.js';
import { splitInputsAndLabels } from './splitInputsAndLabels.js';
import { allWeightInputs } from './transformer.js';
import { checkParameters, weightFeeds } from './weightFeeds.js';

/**
 * Compiles the function for one group size. Throws `SEQUENCE_TOO_LONG`; `run` throws `TOKENS_RAGGED`, `TOKEN_OUT_OF_RANGE`, `PARAMETERS_SIZE`.
 * Cost of a run: about 2·parameters floating-point operations a token.
 */
export async function createLossFunction(
  config: ModelConfig,
  options: FunctionOptions,
): Promise<LossFunction> {
  const { batch, sequenceLength, threads, lean, platform } = options;
  const { weights, losses } = lossGraph(checkConfig(config), options);
  const perRow = reduceMean(reshape(losses, [batch, sequenceLength]), [1]); // (B)
  const session = await openSession({ perRow }, { threads, lean, platform });
  const size = parameterCount(config);
  const groupLength = batch * sequenceLength;
  return {
    batch,
    sequenceLength,
    async run(parameters, tokens) {
      checkParameters(parameters, size);
      const split = splitInputsAndLabels(tokens, { sequenceLength, vocab: config.vocab });
      const feeds = weightFeeds(parameters, allWeightInputs(weights));
      const results = new Float64Array(split.rows);
      for (let row = 0; row < split.rows; row += batch) {
        const inputs = tensorOf(rowGroup(split.inputs, row * sequenceLength, options), [groupLength]);
        const labels = tensorOf(rowGroup(split.labels, row * sequenceLength, options), [groupLength]);
        const { perRow: means } = await session.run({ ...feeds, inputs, labels });
        results.set(means!.data.subarray(0, Math.min(batch, split.rows - row)), row);
      }
      return results;
    },
    dispose: () => session.release(),
  };
}

/** `batch` rows from `from` on; missing ones repeat the first. */
export function rowGroup(
  ids: Int32Array,
  from: number,
  { batch, sequenceLength }: FunctionOptions,
): Int32Array {
  const length = batch * sequenceLength;
  const present = ids.subarray(from, from + length);
  if (present.length === length) return present;
  const group = new Int32Array(length);
  for (let at = 0; at < length; at += sequenceLength) group.set(present.subarray(0, sequenceLength), at);
  group.set(present);
  return group;
}
