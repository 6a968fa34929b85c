/** @file The gradient of the whole model against differences of its loss; learning a copy task; reproducible bits. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesOf, seededRandom, sha256Hex } from '@alice/protocol';
import { createGradientFunction } from './createGradientFunction.js';
import { createLossFunction } from './createLossFunction.js';
import { generate } from './generation/generate.js';
import { initParameters } from './initParameters.js';
import { checkConfig, type ModelConfig } from './ModelConfig.js';
import { modelLayout } from './modelLayout.js';
import { resolveModel } from './presets.js';

/** Directional derivative along a random unit direction of one tensor, five-point differences in FP32. */
const STEP = 0.04;
const ATOL = 3e-4;
const RTOL = 3e-3;

const small = checkConfig({
  ...resolveModel('nano'),
  ...{ name: 'small', layers: 2, width: 16, heads: 4, kvHeads: 2, ffn: 24, context: 8, vocab: 11 },
});
const shape = { batch: 2, sequenceLength: 6, threads: 1 };

function spreadParameters(config: ModelConfig): Float32Array {
  const random = seededRandom('spread');
  return initParameters(config, 'spread').map((value) => value + 0.25 * random.normal());
}

function randomTokens({ vocab }: ModelConfig, length: number): Uint16Array {
  const random = seededRandom('tokens');
  return Uint16Array.from({ length }, () => random.below(vocab));
}

test('the gradient of every tensor agrees with differences of the loss', async () => {
  const parameters = spreadParameters(small);
  const gradient = new Float32Array(parameters.length).fill(Number.NaN);
  const tokens = randomTokens(small, 2 * 7);
  const gradientFunction = await createGradientFunction(small, shape);
  const lossFunction = await createLossFunction(small, shape);
  const loss = async (): Promise<number> => {
    const [first, second] = await lossFunction.run(parameters, tokens);
    return (first! + second!) / 2;
  };
  assert.ok(Math.abs((await gradientFunction.run(parameters, tokens, gradient)) - (await loss())) < 1e-6);
  for (const { name, offset, size } of modelLayout(small).tensors) {
    const direction = unitDirection(name, size);
    const got = direction.reduce((sum, part, i) => sum + part * gradient[offset + i]!, 0);
    const want = await differenceAlong(parameters.subarray(offset, offset + size), direction, loss);
    assert.ok(Math.abs(got - want) <= ATOL + RTOL * Math.abs(want), `${name}: ${got}, not ${want}`);
  }
  await Promise.all([gradientFunction.dispose(), lossFunction.dispose()]);
});

test('the same inputs give the same bits, whatever the gradient vector held before', async () => {
  const parameters = spreadParameters(small);
  const gradientFunction = await createGradientFunction(small, shape);
  const hashAfter = async (rubbish: number): Promise<string> => {
    const gradient = new Float32Array(parameters.length).fill(rubbish);
    const loss = await gradientFunction.run(parameters, randomTokens(small, 14), gradient);
    return `${loss} ${sha256Hex(bytesOf(gradient))}`;
  };
  assert.equal(await hashAfter(0), await hashAfter(7));
  await gradientFunction.dispose();
});

test('initial weights predict nothing: the loss is ln(vocab)', async () => {
  const config = resolveModel('nano', { vocab: 1024 });
  const lossFunction = await createLossFunction(config, { batch: 2, sequenceLength: 64, threads: 1 });
  const losses = await lossFunction.run(initParameters(config, 'start'), randomTokens(config, 4 * 65));
  // Each row averages 64 positions; 0.02-sized weights leave the logits within a few hundredths of even.
  for (const loss of losses) assert.ok(Math.abs(loss - Math.log(1024)) < 0.1, `${loss}`);
  await lossFunction.dispose();
});

test('MODEL-3: copying is learnt down to the entropy of the data, and greedy generation copies', async () => {
  const config = checkConfig({ ...small, name: 'copy', width: 64, ffn: 96, context: 16, vocab: 16 });
  const task = copyTask(config.vocab, 'train');
  const parameters = await train(config, () => task.rows(32));
  const lossFunction = await createLossFunction(config, { batch: 64, sequenceLength: ROW - 1, threads: 1 });
  const fresh = copyTask(config.vocab, 'test');
  const losses = await lossFunction.run(parameters, fresh.rows(256));
  await lossFunction.dispose();
  // Only the 2nd and 3rd token of a row are news. Labels shifted once too often would leave ln 16 at 3 positions.
  const excess = losses.reduce((sum, loss) => sum + loss, 0) / 256 - (2 * Math.log(16)) / (ROW - 1);
  assert.ok(Math.abs(excess) < 0.06, `${excess} nats above the entropy of the task`);
  for (let i = 0; i < 5; i++) {
    const row = fresh.rows(1);
    const options = { config, parameters, temperature: 0, topK: 0, seed: '', threads: 1 };
    const continued = await generate({ ...options, prompt: row.subarray(0, 4), maxTokens: ROW - 4 });
    assert.deepEqual(continued, row.subarray(4));
  }
});

/** Tokens in a row of the copy task: four repeats of a pattern of three. */
const ROW = 12;

function copyTask(vocab: number, seed: string): { rows(count: number): Uint16Array } {
  const random = seededRandom(seed);
  const row = (): number[] => {
    const pattern = [random.below(vocab), random.below(vocab), random.below(vocab)];
    return Array.from({ length: ROW }, (_, i) => pattern[i % 3]!);
  };
  return { rows: (count) => Uint16Array.from(Array.from({ length: count }, row).flat()) };
}

/** Plain Adam (Kingma & Ba 2015, arXiv:1412.6980), warmed up and decayed. */
async function train(config: ModelConfig, nextRows: () => Uint16Array): Promise<Float32Array> {
  const [steps, rate, b1, b2] = [700, 0.003, 0.9, 0.98];
  const gradientFunction = await createGradientFunction(config, {
    batch: 32,
    sequenceLength: ROW - 1,
    threads: 1,
  });
  const parameters = initParameters(config, 'copy');
  const [gradient, mean, square] = [0, 1, 2].map(() => new Float32Array(parameters.length)) as [
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  for (let step = 1; step <= steps; step++) {
    await gradientFunction.run(parameters, nextRows(), gradient);
    const size = rate * Math.min(1, step / 20, (2 * (steps - step)) / steps);
    for (let i = 0; i < parameters.length; i++) {
      mean[i] = b1 * mean[i]! + (1 - b1) * gradient[i]!;
      square[i] = b2 * square[i]! + (1 - b2) * gradient[i]! ** 2;
      const root = Math.sqrt(square[i]! / (1 - b2 ** step)) + 1e-8;
      parameters[i] = parameters[i]! - (size * mean[i]!) / (1 - b1 ** step) / root;
    }
  }
  await gradientFunction.dispose();
  return parameters;
}

function unitDirection(seed: string, size: number): Float64Array {
  const random = seededRandom(seed);
  const direction = Float64Array.from({ length: size }, () => random.normal());
  const norm = Math.sqrt(direction.reduce((sum, part) => sum + part * part, 0));
  return direction.map((part) => part / norm);
}

async function differenceAlong(
  view: Float32Array,
  direction: Float64Array,
  loss: () => Promise<number>,
): Promise<number> {
  const before = view.slice();
  const at = async (steps: number): Promise<number> => {
    for (let i = 0; i < view.length; i++) view[i] = before[i]! + steps * STEP * direction[i]!;
    const result = await loss();
    view.set(before);
    return result;
  };
  const near = (await at(1)) - (await at(-1));
  return (8 * near - (await at(2)) + (await at(-2))) / (12 * STEP);
}
