/**
 * @file How probable a model finds the marked tokens of each row: what the frozen reference of preference learning is
 * asked, and what held-out losses of masked training are made of. Rows never see each other.
 */
import type { FunctionOptions } from '../gradientSession.js';
import type { ModelConfig } from '../ModelConfig.js';
import { openRowSession } from '../rowSession.js';
import type { BatchShape } from '../transformer.js';
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
  const { batch, sequenceLength } = options;
  const session = await openRowSession(config, options, (losses) => losses);
  return {
    batch,
    sequenceLength,
    async run(parameters, rows) {
      const mask = labelMask(rows, sequenceLength);
      const nats = await session.run(parameters, rows.tokens);
      const results = new Float64Array(mask.length / sequenceLength);
      for (let at = 0; at < mask.length; at++)
        results[Math.floor(at / sequenceLength)]! -= mask[at]! * nats[at]!;
      return results;
    },
    dispose: () => session.dispose(),
  };
}
