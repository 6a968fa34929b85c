/**
 * @file MODEL-2: another runtime agrees. Logits, losses and every gradient against transformers' LlamaForCausalLM in
 * PyTorch, with the same weights under the same names; recorded by vectors/recordLlama.py.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { createGradientFunction } from './createGradientFunction.js';
import { createLogitsFunction } from './createLogitsFunction.js';
import { createLossFunction } from './createLossFunction.js';
import { checkConfig } from './ModelConfig.js';
import { modelLayout } from './modelLayout.js';
import { resolveModel } from './presets.js';

/** FP32 sums in another order. Logits are of size 1 to 10, losses of size 4. */
const LOGITS_ATOL = 3e-5;
const LOSS_ATOL = 5e-6;
/** Relative to the largest gradient of the same tensor. */
const GRADIENT_RTOL = 2e-5;

interface Recorded {
  readonly shape: Record<'layers' | 'width' | 'heads' | 'kvHeads' | 'ffn' | 'context' | 'vocab', number>;
  readonly batch: number;
  readonly sequenceLength: number;
  readonly tokens: readonly number[];
  readonly parameters: string;
  readonly logits: string;
  readonly rowLosses: readonly number[];
  readonly loss: number;
  readonly gradient: string;
}

const recorded = JSON.parse(
  readFileSync(new URL('../vectors/llama.json', import.meta.url), 'utf8'),
) as Recorded;
const { batch, sequenceLength } = recorded;
const config = checkConfig({ ...resolveModel('nano'), ...recorded.shape, name: 'recorded' });
const parameters = floats(recorded.parameters);
const tokens = Uint16Array.from(recorded.tokens);

function floats(base64: string): Float32Array {
  return new Float32Array(Uint8Array.from(Buffer.from(base64, 'base64')).buffer);
}

test('logits of every position', async () => {
  const positions = Array.from({ length: sequenceLength }, (_, t) => t);
  const logitsFunction = await createLogitsFunction(config, {
    sequenceLength,
    positions: sequenceLength,
    threads: 1,
  });
  const want = floats(recorded.logits);
  for (let row = 0; row < batch; row++) {
    const from = row * (sequenceLength + 1);
    const got = await logitsFunction.run(parameters, tokens.subarray(from, from + sequenceLength), positions);
    for (const [i, logit] of got.entries()) {
      const other = want[row * sequenceLength * config.vocab + i]!;
      assert.ok(
        Math.abs(logit - other) < LOGITS_ATOL,
        `row ${row}, element ${i}: ${logit}, PyTorch ${other}`,
      );
    }
  }
  await logitsFunction.dispose();
});

test('the loss of each row', async () => {
  const lossFunction = await createLossFunction(config, { batch, sequenceLength, threads: 1 });
  for (const [row, loss] of (await lossFunction.run(parameters, tokens)).entries())
    assert.ok(
      Math.abs(loss - recorded.rowLosses[row]!) < LOSS_ATOL,
      `row ${row}: ${loss}, PyTorch ${recorded.rowLosses[row]}`,
    );
  await lossFunction.dispose();
});

test('the gradient of every tensor', async () => {
  const gradientFunction = await createGradientFunction(config, { batch, sequenceLength, threads: 1 });
  const gradient = new Float32Array(parameters.length);
  const loss = await gradientFunction.run(parameters, tokens, gradient);
  assert.ok(Math.abs(loss - recorded.loss) < LOSS_ATOL, `${loss}, PyTorch ${recorded.loss}`);
  const want = floats(recorded.gradient);
  for (const { name, offset, size } of modelLayout(config).tensors) {
    const other = want.subarray(offset, offset + size);
    const largest = other.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
    const worst = other.reduce((max, value, i) => Math.max(max, Math.abs(value - gradient[offset + i]!)), 0);
    assert.ok(largest > 1e-3, `${name}: its recorded gradient is too small to compare`);
    assert.ok(worst <= GRADIENT_RTOL * largest, `${name}: off by ${worst}, largest ${largest}`);
  }
  await gradientFunction.dispose();
});
