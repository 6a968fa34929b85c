/**
 * @file What a model says of each row of tokens: rows are taken `batch` at a time under the same weights; the last group is
 * filled up with copies of its first row, whose results are dropped. Rows never see each other.
 */
import { sizeOf, tensorOf, type Value } from '@alice/engine';
import type { FunctionOptions } from './gradientSession.js';
import { lossGraph } from './lossGraph.js';
import { checkConfig, type ModelConfig } from './ModelConfig.js';
import { parameterCount } from './modelLayout.js';
import { splitInputsAndLabels } from './splitInputsAndLabels.js';
import { allWeightInputs } from './transformer.js';
import { openWeightedSession } from './weightedSession.js';
import { checkParameters } from './weightFeeds.js';

export interface RowSession {
  /** The output's numbers of all rows, one after another. Throws `TOKENS_RAGGED`, `TOKEN_OUT_OF_RANGE`, `PARAMETERS_SIZE`. */
  run(parameters: Float32Array, tokens: Uint16Array): Promise<Float32Array>;
  dispose(): Promise<void>;
}

/** `outputOf`: from the losses (B·T) of a group, as many numbers for each row. Throws `SEQUENCE_TOO_LONG`. */
export async function openRowSession(
  config: ModelConfig,
  options: FunctionOptions,
  outputOf: (losses: Value) => Value,
): Promise<RowSession> {
  const { batch, sequenceLength } = options;
  const { weights, losses } = lossGraph(checkConfig(config), options);
  const output = outputOf(losses);
  const session = await openWeightedSession({ output }, allWeightInputs(weights), options);
  const size = parameterCount(config);
  const perRow = sizeOf(output.shape) / batch;
  const groupLength = batch * sequenceLength;
  return {
    async run(parameters, tokens) {
      checkParameters(parameters, size);
      const { rows, ...split } = splitInputsAndLabels(tokens, { sequenceLength, vocab: config.vocab });
      const results = new Float32Array(rows * perRow);
      await session.under(parameters, async (run) => {
        for (let row = 0; row < rows; row += batch) {
          const [inputs, labels] = [split.inputs, split.labels].map((ids) =>
            tensorOf(rowGroup(ids, row * sequenceLength, options), [groupLength]),
          );
          const { output: found } = await run({ inputs: inputs!, labels: labels! });
          const present = Math.min(batch, rows - row) * perRow;
          results.set(found!.data.subarray(0, present), row * perRow);
        }
      });
      return results;
    },
    dispose: () => session.release(),
  };
}

/** `batch` rows from `from` on; missing ones repeat the first. */
function rowGroup(ids: Int32Array, from: number, { batch, sequenceLength }: FunctionOptions): Int32Array {
  const length = batch * sequenceLength;
  const present = ids.subarray(from, from + length);
  if (present.length === length) return present;
  const group = new Int32Array(length);
  for (let at = 0; at < length; at += sequenceLength) group.set(present.subarray(0, sequenceLength), at);
  group.set(present);
  return group;
}
