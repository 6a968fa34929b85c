/** @file Losses of rows: independent of batching, of neighbours and of the future; refusals. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '@alice/protocol';
import { createGradientFunction } from './createGradientFunction.js';
import { createLogitsFunction } from './createLogitsFunction.js';
import { createLossFunction } from './createLossFunction.js';
import { initParameters } from './initParameters.js';
import { checkConfig } from './ModelConfig.js';
import { resolveModel } from './presets.js';

const ATOL = 2e-6;

const config = checkConfig({
  ...resolveModel('nano'),
  ...{ name: 'small', layers: 2, width: 16, heads: 4, kvHeads: 2, ffn: 24, context: 8, vocab: 11 },
});
const T = 6;
const random = seededRandom('loss');
const parameters = initParameters(config, 'loss').map((value) => value + 0.3 * random.normal());
const tokens = Uint16Array.from({ length: 5 * (T + 1) }, () => random.below(config.vocab));

async function lossesBy(batch: number, rows: Uint16Array): Promise<Float64Array> {
  const lossFunction = await createLossFunction(config, { batch, sequenceLength: T, threads: 1 });
  const losses = await lossFunction.run(parameters, rows);
  await lossFunction.dispose();
  return losses;
}

test('the loss of a row is the same in groups of 1, 2, 3, 5 and 8', async () => {
  const alone = await lossesBy(1, tokens);
  assert.equal(alone.length, 5);
  assert.ok(new Set(alone).size === 5, 'rows differ, so a mixed-up order would show');
  for (const batch of [2, 3, 5, 8])
    for (const [row, loss] of (await lossesBy(batch, tokens)).entries())
      assert.ok(
        Math.abs(loss - alone[row]!) < ATOL,
        `batch ${batch}, row ${row}: ${loss}, alone ${alone[row]}`,
      );
});

test('no rows give no losses', async () => {
  assert.equal((await lossesBy(2, new Uint16Array())).length, 0);
});

test('the loss is −log softmax of the logits at the next token', async () => {
  const logitsFunction = await createLogitsFunction(config, { sequenceLength: T, positions: T, threads: 1 });
  const row = tokens.subarray(0, T + 1);
  const logits = await logitsFunction.run(parameters, row.subarray(0, T), [0, 1, 2, 3, 4, 5]);
  await logitsFunction.dispose();
  let total = 0;
  for (let t = 0; t < T; t++) {
    const scores = [...logits.subarray(t * config.vocab, (t + 1) * config.vocab)];
    total += Math.log(scores.reduce((sum, score) => sum + Math.exp(score), 0)) - scores[row[t + 1]!]!;
  }
  assert.ok(Math.abs(total / T - (await lossesBy(1, row))[0]!) < ATOL);
});

test('a position does not see later tokens', async () => {
  const logitsFunction = await createLogitsFunction(config, { sequenceLength: T, positions: 1, threads: 1 });
  const after = async (ids: number[]): Promise<Float32Array> => logitsFunction.run(parameters, ids, [2]);
  const short = await after([4, 1, 7]);
  assert.deepEqual(await after([4, 1, 7, 9, 9, 9]), short);
  assert.notDeepEqual(await after([4, 1, 8, 9, 9, 9]), short);
  await logitsFunction.dispose();
});

test('what does not fit is refused with its code', async () => {
  const shape = { batch: 2, sequenceLength: T, threads: 1 };
  const lossFunction = await createLossFunction(config, shape);
  const gradientFunction = await createGradientFunction(config, shape);
  const gradient = new Float32Array(parameters.length);
  const two = tokens.subarray(0, 2 * (T + 1));
  const sizes = { code: 'PARAMETERS_SIZE', want: parameters.length, got: 5 };
  await assert.rejects(lossFunction.run(parameters, tokens.subarray(1)), {
    info: { code: 'TOKENS_RAGGED', length: 34, rowLength: 7 },
  });
  await assert.rejects(lossFunction.run(new Float32Array(5), two), { info: sizes });
  await assert.rejects(gradientFunction.run(parameters, two, new Float32Array(5)), { info: sizes });
  await assert.rejects(gradientFunction.run(parameters, tokens, gradient), {
    info: { code: 'TOKENS_RAGGED', length: 35, rowLength: 7 },
  });
  await assert.rejects(lossFunction.run(parameters, new Uint16Array(T + 1).fill(11)), {
    info: { code: 'TOKEN_OUT_OF_RANGE', token: 11, vocab: 11, position: 0 },
  });
  await assert.rejects(createLossFunction(config, { ...shape, sequenceLength: 9 }), {
    info: { code: 'SEQUENCE_TOO_LONG', sequenceLength: 9, context: 8 },
  });
  await lossFunction.dispose();
  await gradientFunction.dispose();
});
