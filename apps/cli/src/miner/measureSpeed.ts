/** @file How fast this machine trains a model: tokens a second of real gradient steps on the processor, over a few seconds. */
import { createGradientFunction, initParameters, type ModelConfig, parameterCount } from '@alice/model';
import { seededRandom } from '@alice/protocol';

const ROWS = 4;
const MAX_SEQUENCE = 256;
const MEASURE_MS = 2_000;
/** What is measured needs the weights three times in memory; larger models are not tried for a guess. */
export const LARGEST_MEASURED = 200_000_000;

/** `onStep`: the share done, 0 to 1. Cost: compiling, and about two seconds of all `threads`. */
export async function measureSpeed(
  config: ModelConfig,
  { threads, onStep }: { threads: number; onStep: (done: number) => void },
): Promise<number> {
  const sequenceLength = Math.min(MAX_SEQUENCE, config.context);
  const gradientOf = await createGradientFunction(config, { batch: ROWS, sequenceLength, threads });
  const parameters = initParameters(config, 'speed');
  const gradient = new Float32Array(parameterCount(config));
  const random = seededRandom('speed');
  const tokens = Uint16Array.from({ length: ROWS * (sequenceLength + 1) }, () => random.below(config.vocab));
  try {
    await gradientOf.run(parameters, tokens, gradient); // the first run warms up
    const startMs = performance.now();
    let steps = 0;
    while (performance.now() - startMs < MEASURE_MS) {
      await gradientOf.run(parameters, tokens, gradient);
      steps++;
      onStep(Math.min(1, (performance.now() - startMs) / MEASURE_MS));
    }
    return (1000 * steps * ROWS * sequenceLength) / (performance.now() - startMs);
  } finally {
    await gradientOf.dispose();
  }
}
