import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { errorCodeOf } from '@alice/protocol';
import { applyDelta } from './applyDelta.js';
import { denseDelta } from './flatDelta.js';
import { trainLocally } from './localTraining.js';
import { createAdamW } from './optimizers/adamW.js';
import { createSgd } from './optimizers/sgd.js';
import { bigramModel, bigramRows } from './testing/bigramModel.js';
import type { StepReport } from './trainSteps.js';

const shape = { vocab: 24, sequenceLength: 16, batch: 4 };
const { layout, gradientFunction, lossFunction } = bigramModel(shape);
const rows = bigramRows('train', { ...shape, rows: 80 });
const options = () => ({
  gradientFunction,
  optimizer: createSgd(),
  base: new Float32Array(layout.size),
  rows,
  steps: 10,
  rowsPerStep: 8,
  learningRateAt: () => 0.5,
});

describe('local training, SPEC TRAIN-1', () => {
  test('the delta added to the base is what lowers the loss; the base is left alone', async () => {
    const base = new Float32Array(layout.size);
    const { delta, tokens, steps, lossesNats, skippedSteps } = await trainLocally({
      ...options(),
      base,
      optimizer: createAdamW(layout),
      learningRateAt: () => 0.1,
    });
    assert.deepEqual(base, new Float32Array(layout.size));
    assert.deepEqual({ tokens, steps, skippedSteps }, { tokens: 10 * 8 * 16, steps: 10, skippedSteps: 0 });
    assert.ok(Math.abs(lossesNats[0]! - Math.log(24)) < 1e-6, 'starts uniform');
    const heldOut = bigramRows('held out', { ...shape, rows: 64 });
    const mean = async (parameters: Float32Array) =>
      (await lossFunction.run(parameters, heldOut)).reduce((a, b) => a + b, 0) / 64;
    const before = await mean(base);
    applyDelta(base, denseDelta(delta), 1);
    assert.ok((await mean(base)) < before - 0.3);
    applyDelta(base, denseDelta(delta), -2);
    assert.ok((await mean(base)) > before + 0.3);
  });

  test('accumulated micro-batches equal one batch of that size', async () => {
    const whole = bigramModel({ ...shape, batch: 8 }).gradientFunction;
    const accumulated = await trainLocally(options());
    const direct = await trainLocally({ ...options(), gradientFunction: whole });
    accumulated.delta.forEach((x, i) => {
      assert.ok(Math.abs(x - direct.delta[i]!) < 1e-6, `element ${i}`);
    });
    accumulated.lossesNats.forEach((x, i) => {
      assert.ok(Math.abs(x - direct.lossesNats[i]!) < 1e-7, `step ${i}`);
    });
  });

  test('every step sees its own rows and its own learning rate', async () => {
    const seen: Uint16Array[] = [];
    const spy = {
      ...gradientFunction,
      run: async (_: Float32Array, tokens: Uint16Array, gradient: Float32Array) => {
        seen.push(tokens.slice());
        gradient.fill(1e-6);
        return 1;
      },
    };
    const { delta } = await trainLocally({
      ...options(),
      gradientFunction: spy,
      learningRateAt: (step) => step,
    });
    assert.deepEqual(Uint16Array.from(seen.flatMap((tokens) => [...tokens])), rows);
    assert.ok(Math.abs(delta[0]! + 45e-6) < 1e-10, 'Σ 0..9 = 45');
  });

  test('a step with NaN or infinity in gradient or loss is skipped and counted, never sent', async () => {
    let call = 0;
    const sick = {
      ...gradientFunction,
      run: async (parameters: Float32Array, tokens: Uint16Array, gradient: Float32Array) => {
        const loss = await gradientFunction.run(parameters, tokens, gradient);
        call++;
        if (call === 3) gradient[7] = Number.NaN;
        if (call === 6) gradient[9] = Number.NEGATIVE_INFINITY;
        return call === 9 ? Number.NaN : loss;
      },
    };
    const reports: StepReport[] = [];
    const result = await trainLocally({
      ...options(),
      gradientFunction: sick,
      onStep: (report) => reports.push(report),
    });
    assert.deepEqual(
      reports.map((r) => r.skipped),
      [false, true, true, false, true, false, false, false, false, false],
    );
    assert.equal(result.skippedSteps, 3);
    assert.equal(result.steps, 7);
    assert.equal(result.tokens, 7 * 8 * 16);
    assert.ok(result.delta.every(Number.isFinite) && result.lossesNats.every(Number.isFinite));
  });

  test('an overflow of the weights themselves is an error, not a delta', async () => {
    const broken = {
      ...createSgd(),
      step: async ({ parameters }: { parameters: Float32Array }) =>
        void parameters.fill(Number.POSITIVE_INFINITY, 5, 6),
    };
    await assert.rejects(
      trainLocally({ ...options(), optimizer: broken }),
      (e) => errorCodeOf(e) === 'NOT_FINITE',
    );
  });

  test('stops when asked and reports what was done', async () => {
    let asked = 0;
    const result = await trainLocally({ ...options(), shouldStop: () => ++asked > 3 });
    assert.equal(result.steps, 3);
    const none = await trainLocally({ ...options(), shouldStop: () => true });
    assert.deepEqual([none.steps, none.tokens, none.delta.every((x) => x === 0)], [0, 0, true]);
  });

  test('too few rows and a batch that does not divide are refused before training', async () => {
    await assert.rejects(trainLocally({ ...options(), steps: 11 }), (e) => errorCodeOf(e) === 'ROWS_INVALID');
    await assert.rejects(
      trainLocally({ ...options(), rowsPerStep: 6 }),
      (e) => errorCodeOf(e) === 'SETTING_INVALID',
    );
  });
});
