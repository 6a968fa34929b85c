/** @file Running out of memory costs an attempt, not the step: the batch and its gradient stay what they were. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EngineError, openSession } from '@alice/engine';
import { seededRandom } from '@alice/protocol';
import { createElasticGradientFunction } from './createElasticGradientFunction.js';
import { createGradientFunction } from './createGradientFunction.js';
import { initParameters } from './initParameters.js';
import { checkConfig } from './ModelConfig.js';
import { resolveModel } from './presets.js';

const config = checkConfig({
  ...resolveModel('nano'),
  ...{ name: 'small', layers: 1, width: 16, heads: 2, kvHeads: 1, ffn: 24, context: 8, vocab: 23 },
});
const shape = { batch: 6, sequenceLength: 5, threads: 1 };
const parameters = initParameters(config, 'elastic');
const random = seededRandom('elastic');
const tokens = Uint16Array.from({ length: 6 * 6 }, () => random.below(config.vocab));

/** Memory for `rows` rows; `failing`: where it shows. */
function short(rows: number, failing: 'open' | 'run'): typeof createGradientFunction {
  return async (model, options) => {
    const fail = (stage: 'open' | 'run'): void => {
      if (stage === failing && options.batch > rows)
        throw new EngineError({ code: 'OUT_OF_MEMORY', stage }, 'no memory');
    };
    fail('open');
    const real = await createGradientFunction(model, options);
    return {
      ...real,
      run: async (...args) => {
        fail('run');
        return real.run(...args);
      },
    };
  };
}

for (const failing of ['open', 'run'] as const)
  test(`memory ends at ${failing}: fewer rows at once, the same gradient, and it is told`, async () => {
    const whole = await createGradientFunction(config, shape);
    const want = new Float32Array(parameters.length);
    const wantLoss = await whole.run(parameters, tokens, want);
    await whole.dispose();

    const told: number[] = [];
    const elastic = await createElasticGradientFunction(config, {
      ...{ ...shape, create: short(2, failing), onMicroBatch: (rows: number) => void told.push(rows) },
    });
    for (let run = 0; run < 2; run++) {
      const got = new Float32Array(parameters.length).fill(Number.NaN);
      const loss = await elastic.run(parameters, tokens, got);
      assert.ok(Math.abs(loss - wantLoss) < 1e-6);
      const worst = want.reduce((max, value, i) => Math.max(max, Math.abs(value - got[i]!)), 0);
      assert.ok(worst < 1e-6, `off by ${worst}`);
    }
    assert.deepEqual([elastic.batch, told], [6, [3, 2]]);
    await elastic.dispose();
  });

test("a single row that does not fit, and any other failure, is the caller's", async () => {
  await assert.rejects(createElasticGradientFunction(config, { ...shape, create: short(0, 'open') }), {
    code: 'OUT_OF_MEMORY',
  });
  const create = async (): Promise<never> => {
    throw new EngineError({ code: 'SESSION_FAILED', stage: 'open' }, 'broken');
  };
  await assert.rejects(createElasticGradientFunction(config, { ...shape, create }), {
    code: 'SESSION_FAILED',
  });
});

test('what ONNX Runtime says when memory ends has its own code', async () => {
  const platform = (message: string) => ({
    open: async () => {
      throw new Error(message);
    },
  });
  const { input } = await import('@alice/engine');
  const open = (message: string) =>
    openSession({ y: input('x', [1]) }, { threads: 1, platform: platform(message) });
  for (const message of ['std::bad_alloc', 'Failed to allocate memory for requested buffer of size 9'])
    await assert.rejects(open(message), { info: { code: 'OUT_OF_MEMORY', stage: 'open' } });
  await assert.rejects(open('bad graph'), { info: { code: 'SESSION_FAILED', stage: 'open' } });
});
