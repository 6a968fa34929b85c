/** @file A step of a streamed model is the step of the whole one, and learns. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  createGradientFunction,
  createStreamedModel,
  initParameters,
  memoryWeights,
  modelLayout,
  resolveModel,
} from '@alice/model';
import { errorCodeOf, fromHalves, seededRandom, toHalves } from '@alice/protocol';
import { applyDelta } from '../applyDelta.js';
import { selectTopK } from '../compression/topK.js';
import { flattenDelta } from '../flatDelta.js';
import { trainLocally } from '../localTraining.js';
import { createAdafactor } from '../optimizers/adafactor.js';
import { requireStreamable, trainStreamed } from './trainStreamed.js';

const config = resolveModel('nano', { layers: 2, width: 64, heads: 4, kvHeads: 2, ffn: 96, vocab: 128 });
const layout = modelLayout(config);
const SEQUENCE = 24;
const ROWS = 6;

function rowsOf(seed: string): Uint16Array {
  const random = seededRandom(seed);
  return Uint16Array.from({ length: ROWS * (SEQUENCE + 1) }, () => Math.floor(128 * random.unit() ** 3));
}

test("what is sent of a streamed step is what top-k takes of the whole model's, over steps that carry state", async () => {
  const shape = { batch: 2, sequenceLength: SEQUENCE, threads: 1 };
  const [streamed, whole] = [1, 2].map(() => createAdafactor(layout, { weightDecay: 0 }));
  const gradientFunction = await createGradientFunction(config, shape);
  const weights = initParameters(config, 'streamed step');
  const losses: number[] = [];
  for (let step = 0; step < 12; step++) {
    const halves = toHalves(weights);
    const rows = rowsOf(`step ${step % 3}`);
    const model = createStreamedModel(config, { ...shape, source: memoryWeights(halves) });
    const got = await trainStreamed({
      ...{ model, layout, optimizer: streamed!, rows, learningRate: 0.02, density: 0.1 },
    });
    const { delta } = await trainLocally({
      ...{ gradientFunction, optimizer: whole!, base: fromHalves(halves), rows, steps: 1, rowsPerStep: ROWS },
      ...{ learningRateAt: () => 0.02, clipNorm: 1e9 },
    });
    assert.equal(got.tokens, ROWS * SEQUENCE);
    assertNear(got.delta, selectTopK(delta, { layout, density: 0.1 }));
    losses.push(got.lossNats);
    applyDelta(weights, flattenDelta(got.delta, layout), 1);
  }
  await gradientFunction.dispose();
  assert.ok(losses.at(-1)! < losses[0]! - 0.4, `it did not learn: ${losses}`);
});

/** The same entries but for ties within rounding, with the same values to rounding. */
function assertNear(got: ReturnType<typeof selectTopK>, want: ReturnType<typeof selectTopK>): void {
  assert.deepEqual(
    got.tensors.map(({ tensor, indices }) => [tensor, indices.length]),
    want.tensors.map(({ tensor, indices }) => [tensor, indices.length]),
  );
  const values = new Map<string, number>();
  for (const { tensor, indices, values: own } of want.tensors)
    for (const [i, index] of indices.entries()) values.set(`${tensor}/${index}`, own[i]!);
  let [missing, entries] = [0, 0];
  for (const { tensor, indices, values: own } of got.tensors)
    for (const [i, index] of indices.entries()) {
      const expected = values.get(`${tensor}/${index}`);
      entries++;
      if (expected === undefined) missing++;
      else
        assert.ok(Math.abs(own[i]! - expected) < 2e-4 * Math.abs(expected) + 1e-7, `${own[i]}, ${expected}`);
    }
  assert.ok(missing < 0.002 * entries, `${missing} of ${entries} entries are others`);
}

test('weights that overflow send nothing', async () => {
  const weights = initParameters(config, 'overflow');
  weights[5] = Number.NaN;
  const source = memoryWeights(weights);
  const model = createStreamedModel(config, { batch: 1, sequenceLength: SEQUENCE, threads: 1, source });
  const rows = new Uint16Array(SEQUENCE + 1);
  await assert.rejects(
    trainStreamed({ model, layout, optimizer: createAdafactor(layout), rows, learningRate: 1, density: 1 }),
    (error) => errorCodeOf(error) === 'NOT_FINITE',
  );
});

test('settings that need the whole model are refused by name', () => {
  const good = { optimizer: 'adafactor', innerSteps: 1, errorFeedbackDecay: 0, weightDecay: 0 } as const;
  requireStreamable(good);
  requireStreamable({ ...good, selection: 'chunked' });
  const bad = [
    { optimizer: 'muon' },
    { innerSteps: 2 },
    { errorFeedbackDecay: 0.9 },
    { selection: 'global' },
  ];
  for (const change of bad)
    assert.throws(
      () => requireStreamable({ ...good, ...(change as object) }),
      (error) => errorCodeOf(error) === 'NOT_STREAMABLE',
    );
});
