/** @file Losses that are measured again, counted as they come: a row's loss does not depend on which rows it is run with. */
import type { LossFunction } from '@alice/model';

/** Batches between two words of progress. */
const BATCHES = 4;

/** The same function; `onRows` hears how many rows more are done. */
export function watchLosses(lossFunction: LossFunction, onRows: (rows: number) => void): LossFunction {
  const { batch, sequenceLength } = lossFunction;
  const part = BATCHES * batch * (sequenceLength + 1);
  return {
    batch,
    sequenceLength,
    dispose: () => lossFunction.dispose(),
    run: async (parameters, tokens) => {
      const losses = new Float64Array(tokens.length / (sequenceLength + 1));
      let done = 0;
      for (let from = 0; from < tokens.length; from += part) {
        const found = await lossFunction.run(parameters, tokens.subarray(from, from + part));
        losses.set(found, done);
        done += found.length;
        onRows(found.length);
      }
      return losses;
    },
  };
}
