/**
 * @file Gradients in FP16: close to those of FP32, scaled so that small ones survive, computed again when they overflow,
 * and never anything but finite or reported.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '@alice/protocol';
import { createGradientFunction } from './createGradientFunction.js';
import { initParameters } from './initParameters.js';
import { LossScale } from './LossScale.js';
import { checkConfig } from './ModelConfig.js';
import { modelLayout } from './modelLayout.js';
import { resolveModel } from './presets.js';

const config = checkConfig({
  ...resolveModel('nano'),
  ...{ name: 'small', layers: 2, width: 32, heads: 4, kvHeads: 2, ffn: 48, context: 16, vocab: 61 },
});
const shape = { batch: 2, sequenceLength: 12, threads: 1 };
const random = seededRandom('halves');
const parameters = initParameters(config, 'halves').map((weight) => weight + 0.05 * random.normal());
const tokens = Uint16Array.from({ length: 2 * 13 }, () => random.below(config.vocab));

async function gradientOf(
  weights: Float32Array,
  options: { precision: 'fp32' | 'fp16' },
): Promise<{ loss: number; gradient: Float32Array; scales: number[] }> {
  const scales: number[] = [];
  const gradientFunction = await createGradientFunction(config, {
    ...{ ...shape, ...options, onLossScale: (scale: number) => void scales.push(scale) },
  });
  const gradient = new Float32Array(weights.length);
  const loss = await gradientFunction.run(weights, tokens, gradient);
  await gradientFunction.dispose();
  return { loss, gradient, scales };
}

test('FP16 gradients differ from FP32 by the rounding of FP16, and do differ', async () => {
  const [wide, half] = [
    await gradientOf(parameters, { precision: 'fp32' }),
    await gradientOf(parameters, { precision: 'fp16' }),
  ];
  assert.ok(Math.abs(wide.loss - half.loss) < 2e-3, `loss ${half.loss}, FP32 ${wide.loss}`);
  for (const { name, offset, size } of modelLayout(config).tensors) {
    const [want, got] = [wide, half].map(({ gradient }) => gradient.subarray(offset, offset + size));
    const largest = want!.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
    const worst = want!.reduce((max, value, i) => Math.max(max, Math.abs(value - got![i]!)), 0);
    // Ten bits of fraction: half a unit is 5e-4; sums over a few products of rounded factors stay within some units.
    assert.ok(worst < 8e-3 * largest, `${name}: off by ${worst}, largest ${largest}`);
    assert.ok(worst > 1e-6 * largest, `${name}: nothing was rounded`);
  }
});

test('an overflow is computed again at smaller scales until it is gone', async () => {
  const large = parameters.map((weight) => 6 * weight); // gradients of some hundred, times 2^15
  const { gradient, scales } = await gradientOf(large, { precision: 'fp16' });
  assert.ok(scales.length > 0, 'nothing overflowed');
  assert.deepEqual(
    scales,
    scales.map((_, i) => 2 ** (14 - i)),
  );
  assert.ok(gradient.every(Number.isFinite));
  const wide = await gradientOf(large, { precision: 'fp32' });
  const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
  const likeness =
    dot(gradient, wide.gradient) / Math.sqrt(dot(gradient, gradient) * dot(wide.gradient, wide.gradient));
  assert.ok(likeness > 0.99, `cosine ${likeness}`);
});

test('weights that overflow by themselves give a gradient that is not finite, not an endless loop', async () => {
  const { gradient, scales } = await gradientOf(
    parameters.map((weight) => 1e5 * weight),
    { precision: 'fp16' },
  );
  assert.equal(scales.at(-1), 1);
  assert.ok(!gradient.every(Number.isFinite));
});

test('the scale halves at once, doubles late, and stays within its bounds', () => {
  const scale = new LossScale(2);
  assert.deepEqual([scale.shouldRepeat(false), scale.value], [true, 1]);
  assert.deepEqual([scale.shouldRepeat(false), scale.value], [false, 1]);
  for (let run = 0; run < 999; run++) assert.equal(scale.shouldRepeat(true), false);
  assert.equal(scale.value, 1);
  scale.shouldRepeat(true);
  assert.equal(scale.value, 2);
  for (let run = 0; run < 40_000; run++) scale.shouldRepeat(true);
  assert.equal(scale.value, 2 ** 24);
});
