/** @file Generation: what computing everything anew would give, reproducible by seed, within the context, stops when told. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '@alice/protocol';
import { createLogitsFunction } from '../createLogitsFunction.js';
import { initParameters } from '../initParameters.js';
import { checkConfig } from '../ModelConfig.js';
import { resolveModel } from '../presets.js';
import { windowStart } from './contextWindow.js';
import { createDecoder } from './createDecoder.js';
import { type GenerateOptions, generate } from './generate.js';
import { sampleToken } from './sampleToken.js';

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

test('the stop token is not drawn before it may be', async () => {
  const text = await generate(options);
  const stopToken = text[0]!;
  assert.equal((await generate({ ...options, stopToken })).length, 0);
  const least = await generate({ ...options, stopToken, mayStop: (made) => made >= 4 });
  assert.ok(least.length >= 4 && !least.includes(stopToken));
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

/** The same texts, the whole window computed anew for each token by the graph that is compared with PyTorch. */
async function recompute(wanted: GenerateOptions): Promise<number[]> {
  const { context } = wanted.config;
  const logitsFunction = await createLogitsFunction(wanted.config, {
    sequenceLength: context,
    positions: 1,
    threads: 1,
  });
  const unit = seededRandom(`generate/${wanted.seed}`);
  const text = Array.from(wanted.prompt);
  let start = Math.max(0, text.length - context);
  for (let i = 0; i < wanted.maxTokens; i++) {
    start = windowStart(text.length, start, context);
    const window = text.slice(start);
    const logits = await logitsFunction.run(wanted.parameters, window, [window.length - 1]);
    text.push(sampleToken(logits, { ...wanted, unit: unit.unit() }));
  }
  await logitsFunction.dispose();
  return text.slice(wanted.prompt.length);
}

/** Long enough for several chunks of prompt, several sizes of the memory, and a full context. */
const longConfig = checkConfig({ ...config, layers: 2, heads: 4, context: 160 });
const longParameters = initParameters(longConfig, 'long').map((value) => value + 0.3 * random.normal());

for (const [name, promptLength, maxTokens] of [
  ['a short prompt', 1, 70],
  ['a prompt of three chunks', 150, 30],
  ['a prompt longer than the context', 200, 12],
] as const)
  test(`remembering gives what computing anew gives: ${name}`, async () => {
    const wanted: GenerateOptions = {
      ...{ config: longConfig, parameters: longParameters, maxTokens, threads: 1 },
      ...{ prompt: Array.from({ length: promptLength }, () => random.below(50)), temperature: 0.8 },
      ...{ topK: 20, topP: 0.9, seed: name },
    };
    assert.deepEqual([...(await generate(wanted))], await recompute(wanted));
  });

test('logits of each token, read singly, in chunks or at once, are those of the whole sequence', async () => {
  const tokens = Array.from({ length: 140 }, () => random.below(50));
  const whole = await createLogitsFunction(longConfig, { sequenceLength: 140, positions: 140, threads: 1 });
  const want = await whole.run(longParameters, tokens, [...tokens.keys()]);
  await whole.dispose();
  const decoder = createDecoder({ config: longConfig, parameters: longParameters, threads: 1 });
  const compare = (got: Float32Array, at: number): void => {
    for (const [i, logit] of got.entries())
      assert.ok(
        Math.abs(logit - want[at * 50 + i]!) < 1e-4,
        `token ${at}: ${logit}, whole ${want[at * 50 + i]}`,
      );
  };
  for (const [at, token] of tokens.entries()) compare(await decoder.read([token]), at);
  decoder.reset();
  for (let at = 0, size = 1; at < 140; at += size, size = Math.min(3 * size, 140 - at)) {
    const end = Math.min(140, at + size);
    compare(await decoder.read(tokens.slice(at, end)), end - 1);
  }
  decoder.reset();
  compare(await decoder.read(tokens), 139);
  assert.equal(decoder.length, 140);
  await assert.rejects(decoder.read(tokens.slice(0, 21)), { code: 'SEQUENCE_TOO_LONG' });
  assert.equal(decoder.length, 140);
  await decoder.dispose();
});

test("logits are the caller's own: reading on leaves them as they are", async () => {
  const decoder = createDecoder({ config: longConfig, parameters: longParameters, threads: 1 });
  const first = await decoder.read([3]);
  const copy = first.slice();
  await decoder.read([4]);
  await decoder.read([5, 6]);
  await decoder.dispose();
  assert.deepEqual(first, copy);
});
