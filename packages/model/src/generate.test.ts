/** @file Generation: reproducible by seed, keeps within the context, stops when told. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '@alice/protocol';
import { type GenerateOptions, generate } from './generate.js';
import { initParameters } from './initParameters.js';
import { checkConfig } from './ModelConfig.js';
import { resolveModel } from './presets.js';

const config = checkConfig({
  ...resolveModel('nano'),
  ...{ name: 'small', layers: 1, width: 16, heads: 2, kvHeads: 1, ffn: 24, context: 8, vocab: 50 },
});
const random = seededRandom('generate');
const parameters = initParameters(config, 'generate').map((value) => value + 0.3 * random.normal());
const options: GenerateOptions = {
  ...{ config, parameters, prompt: [3, 1, 4], maxTokens: 12, temperature: 1, topK: 0, seed: 'a', threads: 1 },
};

test('the same seed gives the same text, past the end of the context; another seed another', async () => {
  const text = await generate(options);
  assert.equal(text.length, 12);
  assert.deepEqual(await generate(options), text);
  assert.notDeepEqual(await generate({ ...options, seed: 'b' }), text);
});

test('tokens are announced as they come, and the stop token ends the text unannounced', async () => {
  const text = await generate(options);
  const stopToken = text[5]!;
  const end = text.indexOf(stopToken);
  const announced: number[] = [];
  const stopped = await generate({ ...options, stopToken, onToken: (token) => announced.push(token) });
  assert.deepEqual(stopped, text.subarray(0, end));
  assert.deepEqual(announced, [...stopped]);
});

test('when the context is full the oldest tokens are forgotten', async () => {
  const greedy = { ...options, temperature: 0, maxTokens: 1 };
  const long = [9, 9, 9, 1, 2, 3, 4, 5, 6, 7, 8];
  assert.deepEqual(
    await generate({ ...greedy, prompt: long }),
    await generate({ ...greedy, prompt: long.slice(-8) }),
  );
});

test('an empty prompt is refused', async () => {
  await assert.rejects(generate({ ...options, prompt: [] }), { info: { code: 'PROMPT_EMPTY' } });
});
