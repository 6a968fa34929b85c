/**
 * @file Masked and preference objectives against PyTorch (vectors/recordObjectives.py), against differences of their own
 * loss, and against what a mask promises: nothing depends on a label it leaves out.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { bytesOf, seededRandom, sha256Hex } from '@alice/protocol';
import { createGradientFunction } from '../createGradientFunction.js';
import { checkConfig } from '../ModelConfig.js';
import { modelLayout } from '../modelLayout.js';
import { resolveModel } from '../presets.js';
import { createLogProbabilityFunction } from './createLogProbabilityFunction.js';
import { createMaskedGradientFunction } from './createMaskedGradientFunction.js';
import { createPreferenceGradientFunction, preferenceLoss } from './createPreferenceGradientFunction.js';
import { learnedTokens, type MaskedRows, type PreferencePairs } from './maskedRows.js';

/** FP32 sums in another order; losses are of size 1 to 10, log-probabilities of size 10 to 40. */
const LOSS_ATOL = 5e-6;
const LOG_PROBABILITY_ATOL = 5e-5;
/** Relative to the largest gradient of the same tensor. */
const GRADIENT_RTOL = 3e-5;

interface Recorded {
  readonly beta: number;
  readonly referenceScale: number;
  readonly chosen: number[];
  readonly chosenMask: number[];
  readonly rejected: number[];
  readonly rejectedMask: number[];
  readonly masked: { readonly loss: number; readonly gradient: string };
  readonly preference: {
    readonly referenceChosen: number[];
    readonly referenceRejected: number[];
    readonly margins: number[];
    readonly loss: number;
    readonly gradient: string;
  };
}

const read = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../vectors/${name}`, import.meta.url), 'utf8'));
const recorded = read('objectives.json') as Recorded;
const llama = read('llama.json') as { shape: object; sequenceLength: number; parameters: string };
const floats = (base64: string): Float32Array =>
  new Float32Array(Uint8Array.from(Buffer.from(base64, 'base64')).buffer);

const config = checkConfig({ ...resolveModel('nano'), ...llama.shape, name: 'recorded' });
const { sequenceLength } = llama;
const parameters = floats(llama.parameters);
const shape = { batch: 2, sequenceLength, threads: 1 };
const rowsOf = (tokens: number[], mask: number[]): MaskedRows => ({
  tokens: Uint16Array.from(tokens),
  mask: Uint8Array.from(mask),
});
const pairs: PreferencePairs = {
  chosen: rowsOf(recorded.chosen, recorded.chosenMask),
  rejected: rowsOf(recorded.rejected, recorded.rejectedMask),
};
const { preference } = recorded;
const referenceMargins = Float64Array.from(
  preference.referenceChosen,
  (chosen, i) => chosen - preference.referenceRejected[i]!,
);
const emptyGradient = (): Float32Array => new Float32Array(parameters.length).fill(Number.NaN);

function assertNear(got: ArrayLike<number>, want: ArrayLike<number>, atol: number): void {
  assert.equal(got.length, want.length);
  for (let i = 0; i < want.length; i++)
    assert.ok(Math.abs(got[i]! - want[i]!) <= atol, `element ${i}: ${got[i]}, PyTorch ${want[i]}`);
}

function assertGradient(got: Float32Array, want: Float32Array): void {
  for (const { name, offset, size } of modelLayout(config).tensors) {
    const other = want.subarray(offset, offset + size);
    const largest = other.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
    const worst = other.reduce((max, value, i) => Math.max(max, Math.abs(value - got[offset + i]!)), 0);
    assert.ok(largest > 1e-3, `${name}: its recorded gradient is too small to compare`);
    assert.ok(worst <= GRADIENT_RTOL * largest, `${name}: off by ${worst}, largest ${largest}`);
  }
}

test('masked: loss and gradient are those of PyTorch, in one batch and in micro-batches', async () => {
  const whole = await createMaskedGradientFunction(config, shape);
  const gradient = emptyGradient();
  const loss = await whole.run({ parameters, rows: pairs.chosen, gradient });
  assertNear([loss], [recorded.masked.loss], LOSS_ATOL);
  assertGradient(gradient, floats(recorded.masked.gradient));
  await whole.dispose();

  const single = await createMaskedGradientFunction(config, { ...shape, batch: 1 });
  const over = learnedTokens(pairs.chosen, sequenceLength);
  const sum = new Float32Array(parameters.length);
  let total = 0;
  for (let row = 0; row < 2; row++) {
    const at = [row * (sequenceLength + 1), (row + 1) * (sequenceLength + 1)] as const;
    const { tokens, mask } = pairs.chosen;
    const rows = { tokens: tokens.subarray(...at), mask: mask.subarray(...at) };
    total += await single.run({ parameters, rows, gradient, over });
    for (const [i, part] of gradient.entries()) sum[i]! += part;
  }
  assertNear([total], [recorded.masked.loss], LOSS_ATOL);
  assertGradient(sum, floats(recorded.masked.gradient));
  await single.dispose();
});

test('masked: a label that is left out changes nothing, one that counts does', async () => {
  const gradientFunction = await createMaskedGradientFunction(config, shape);
  const hashWith = async (position: number, token: number): Promise<string> => {
    const mask = Uint8Array.from(recorded.chosenMask);
    mask[2 * (sequenceLength + 1) - 1] = 0; // the last token of the last row is a label only, never an input
    const tokens = Uint16Array.from(recorded.chosen);
    tokens[position] = token;
    const gradient = emptyGradient();
    const loss = await gradientFunction.run({ parameters, rows: { tokens, mask }, gradient });
    return `${loss} ${sha256Hex(bytesOf(gradient))}`;
  };
  const last = 2 * (sequenceLength + 1) - 1;
  assert.equal(await hashWith(last, 3), await hashWith(last, 30));
  assert.notEqual(await hashWith(last - 1, 3), await hashWith(last - 1, 30));
  await gradientFunction.dispose();
});

test('masked: with every token marked it is the plain objective; with none, zero', async () => {
  const [masked, plain] = [
    await createMaskedGradientFunction(config, shape),
    await createGradientFunction(config, shape),
  ];
  const { tokens } = pairs.chosen;
  const [one, other] = [emptyGradient(), emptyGradient()];
  const all = { tokens, mask: new Uint8Array(tokens.length).fill(1) };
  const loss = await masked.run({ parameters, rows: all, gradient: one });
  assert.ok(Math.abs(loss - (await plain.run(parameters, tokens, other))) < 1e-6);
  assertGradient(one, other);
  const none = { tokens, mask: new Uint8Array(tokens.length) };
  assert.equal(await masked.run({ parameters, rows: none, gradient: one }), 0);
  assert.ok(one.every((part) => part === 0));
  await Promise.all([masked.dispose(), plain.dispose()]);
});

test('log-probabilities of the reference are those of PyTorch, whatever rows share a group', async () => {
  const reference = parameters.map((weight) => Math.fround(weight * recorded.referenceScale));
  for (const batch of [1, 2, 3]) {
    const logProbability = await createLogProbabilityFunction(config, { ...shape, batch });
    const of = (rows: MaskedRows): Promise<Float64Array> => logProbability.run(reference, rows);
    assertNear(await of(pairs.chosen), preference.referenceChosen, LOG_PROBABILITY_ATOL);
    assertNear(await of(pairs.rejected), preference.referenceRejected, LOG_PROBABILITY_ATOL);
    await logProbability.dispose();
  }
});

test('preference: margins, loss and gradient are those of PyTorch', async () => {
  const options = { pairs: 2, sequenceLength, threads: 1, beta: recorded.beta };
  const gradientFunction = await createPreferenceGradientFunction(config, options);
  const gradient = emptyGradient();
  const { lossNats, margins } = await gradientFunction.run({ parameters, pairs, referenceMargins, gradient });
  assertNear(margins, preference.margins, LOG_PROBABILITY_ATOL);
  assertNear([lossNats], [preference.loss], LOG_PROBABILITY_ATOL);
  assertGradient(gradient, floats(preference.gradient));
  await gradientFunction.dispose();
});

test('both gradients agree with differences of their losses', async () => {
  const logProbability = await createLogProbabilityFunction(config, shape);
  const count = learnedTokens(pairs.chosen, sequenceLength);
  const maskedLoss = async (at: Float32Array): Promise<number> =>
    -(await logProbability.run(at, pairs.chosen)).reduce((sum, nats) => sum + nats, 0) / count;
  const marginLoss = async (at: Float32Array): Promise<number> => {
    const [chosen, rejected] = [
      await logProbability.run(at, pairs.chosen),
      await logProbability.run(at, pairs.rejected),
    ];
    return preferenceLoss(
      chosen.map((nats, i) => recorded.beta * (nats - rejected[i]! - referenceMargins[i]!)),
    );
  };
  const masked = await createMaskedGradientFunction(config, shape);
  const preferred = await createPreferenceGradientFunction(config, {
    ...{ pairs: 2, sequenceLength, threads: 1, beta: recorded.beta },
  });
  const [one, two] = [emptyGradient(), emptyGradient()];
  await masked.run({ parameters, rows: pairs.chosen, gradient: one });
  await preferred.run({ parameters, pairs, referenceMargins, gradient: two });
  for (const seed of ['a', 'b', 'c']) {
    await assertAlong(seed, one, maskedLoss);
    await assertAlong(seed, two, marginLoss);
  }
  await Promise.all([logProbability.dispose(), masked.dispose(), preferred.dispose()]);
});

/** Directional derivative along a random unit direction of all weights, five-point differences in FP32. */
async function assertAlong(
  seed: string,
  gradient: Float32Array,
  loss: (at: Float32Array) => Promise<number>,
): Promise<void> {
  const random = seededRandom(seed);
  const direction = Float64Array.from(parameters, () => random.normal());
  const norm = Math.sqrt(direction.reduce((sum, part) => sum + part * part, 0));
  const step = 0.05;
  const at = (steps: number): Promise<number> =>
    loss(parameters.map((weight, i) => weight + (steps * step * direction[i]!) / norm));
  const near = (await at(1)) - (await at(-1));
  const want = (8 * near - (await at(2)) + (await at(-2))) / (12 * step);
  const got = direction.reduce((sum, part, i) => sum + (part * gradient[i]!) / norm, 0);
  assert.ok(Math.abs(got - want) <= 3e-4 + 3e-3 * Math.abs(want), `${got}, not ${want}`);
}

test('margins of any size give a finite loss', () => {
  assert.ok(Math.abs(preferenceLoss(Float64Array.of(0)) - Math.LN2) < 1e-15);
  assert.equal(preferenceLoss(Float64Array.of(-1e4)), 1e4);
  assert.equal(preferenceLoss(Float64Array.of(1e4)), 0);
});

test('refusals: a mask of another length, a beta that is no weight', async () => {
  const gradientFunction = await createMaskedGradientFunction(config, shape);
  const rows = { tokens: pairs.chosen.tokens, mask: new Uint8Array(3) };
  await assert.rejects(gradientFunction.run({ parameters, rows, gradient: emptyGradient() }), {
    code: 'MASK_SIZE',
  });
  await gradientFunction.dispose();
  const options = { pairs: 1, sequenceLength, threads: 1 };
  for (const beta of [0, -1, Number.NaN, Number.POSITIVE_INFINITY])
    await assert.rejects(createPreferenceGradientFunction(config, { ...options, beta }), {
      code: 'OBJECTIVE_INVALID',
    });
});
