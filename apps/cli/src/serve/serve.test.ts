/** @file The inference endpoint as OpenAI's own client sees it, on real weights: texts, streams, refusals, giving up, limits. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type LogFacts, silentLogger } from '@alice/protocol';
import OpenAI, { APIError, APIUserAbortError, RateLimitError } from 'openai';
import { writeTinyCheckpoint } from '../testing/tinyCheckpoint.js';
import { InferenceQueue } from './InferenceQueue.js';
import { InferenceThread } from './InferenceThread.js';
import { type InferenceServer, startInferenceServer } from './inferenceServer.js';

/** Never ends by itself: see tinyCheckpoint.ts. */
const ENDLESS = { model: 'alice', prompt: 'a', max_tokens: 100_000, ...({ top_k: 40 } as object) };

const KEY = 'a key for tests';
const dir = mkdtempSync(join(tmpdir(), 'alice-serve-'));
const errors: (LogFacts | undefined)[] = [];
const log = { ...silentLogger, error: (_: string, facts?: LogFacts) => void errors.push(facts) };
let thread: InferenceThread;
let server: InferenceServer;
let client: OpenAI;
let queue: InferenceQueue<InferenceThread>;

describe('the inference endpoint', () => {
  before(async () => {
    await writeTinyCheckpoint(dir);
    thread = new InferenceThread(
      { origin: { kind: 'folder', dir }, threads: 1, idleMs: 0, followMs: 1000 },
      { log },
    );
    queue = new InferenceQueue([thread], 1);
    mkdirSync(join(dir, 'files'));
    server = await startInferenceServer(
      { host: '127.0.0.1', port: 0, apiKey: KEY, maxTokens: 100_000 },
      {
        queue,
        describe: () => thread.load(),
        fileDir: join(dir, 'files'),
        log,
        nowMs: () => 1_790_000_000_000,
      },
    );
    client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: KEY, maxRetries: 0 });
  });
  after(async () => {
    await server.close();
    await thread.close();
    rmSync(dir, { recursive: true, force: true });
  });

  const complete = (more: object = {}) =>
    client.completions.create({
      ...{
        model: 'alice',
        prompt: 'Once upon',
        max_tokens: 12,
        seed: 3,
        temperature: 1,
        stream: false as const,
      },
      ...more,
    });

  it('lists the model, and finds it by its id', async () => {
    const { data } = await client.models.list();
    assert.deepEqual(
      data.map(({ id, object, owned_by }) => ({ id, object, owned_by })),
      [{ id: 'alice-nano', object: 'model', owned_by: 'alice' }],
    );
    assert.equal((await client.models.retrieve('alice-nano')).id, 'alice-nano');
  });

  it('completes a text; the same seed gives the same text, and usage counts its tokens', async () => {
    const first = await complete();
    const [choice] = first.choices;
    assert.equal(first.object, 'text_completion');
    assert.equal(first.model, 'alice-nano');
    assert.equal(first.usage?.total_tokens, first.usage!.prompt_tokens + first.usage!.completion_tokens);
    assert.ok(first.usage!.prompt_tokens >= 2);
    assert.ok(choice!.text.length > 0);
    assert.equal(choice!.finish_reason, first.usage!.completion_tokens === 12 ? 'length' : 'stop');
    assert.equal((await complete()).choices[0]!.text, choice!.text);
    assert.notEqual((await complete({ seed: 4 })).choices[0]!.text, choice!.text);
  });

  it('streams the text it would have answered at once', async () => {
    const whole = await complete({ max_tokens: 30 });
    const stream = await client.completions.create({
      ...{ model: 'alice', prompt: 'Once upon', max_tokens: 30, seed: 3, temperature: 1, stream: true },
      stream_options: { include_usage: true },
    });
    let text = '';
    let pieces = 0;
    let usage: OpenAI.CompletionUsage | null | undefined;
    let finish: string | null | undefined;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.text ?? '';
      if (chunk.choices[0]?.text) pieces++;
      finish = chunk.choices[0]?.finish_reason ?? finish;
      usage = chunk.usage ?? usage;
    }
    assert.equal(text, whole.choices[0]!.text);
    assert.ok(pieces > 3, `${pieces} pieces`);
    assert.deepEqual(usage, whole.usage);
    assert.equal(finish, whole.choices[0]!.finish_reason);
  });

  it('ends before a stop string, and tells so', async () => {
    const whole = (await complete({ max_tokens: 40 })).choices[0]!.text;
    const stop = whole.slice(5, 9);
    const { text, finish_reason } = (await complete({ max_tokens: 40, stop: [stop] })).choices[0]!;
    assert.equal(text, whole.slice(0, whole.indexOf(stop)));
    assert.equal(finish_reason, 'stop');
  });

  it('answers a conversation, whole and streamed, longer than the context', async () => {
    const messages = Array.from({ length: 30 }, (_, i) => ({
      role: i % 2 === 0 ? ('user' as const) : ('assistant' as const),
      content: `turn ${i} of a long conversation`,
    }));
    const asked = { model: 'alice-nano', messages, max_tokens: 20, seed: 5 };
    const answer = await client.chat.completions.create(asked);
    assert.ok(answer.usage!.prompt_tokens <= 64);
    const { content, role } = answer.choices[0]!.message;
    assert.equal(role, 'assistant');
    let text = '';
    for await (const chunk of await client.chat.completions.create({ ...asked, stream: true }))
      text += chunk.choices[0]?.delta.content ?? '';
    assert.equal(text, content);
    assert.equal(text, text.trim());
  });

  it('makes several texts for several prompts', async () => {
    const { choices } = await complete({ prompt: ['One', 'Two'], n: 2 });
    assert.deepEqual(
      choices.map(({ index }) => index),
      [0, 1, 2, 3],
    );
    assert.notEqual(choices[0]!.text, choices[1]!.text);
  });

  it('refuses in the shape the client understands', async () => {
    const cases: [object, number, string, string | null][] = [
      [{ model: 'gpt-4' }, 404, 'model_not_found', 'model'],
      [{ temperature: 3 }, 400, 'invalid_request', 'temperature'],
      [{ max_tokens: 0 }, 400, 'invalid_request', 'max_tokens'],
      [{ top_p: '1' }, 400, 'invalid_request', 'top_p'],
      [{ prompt: 'word '.repeat(200) }, 400, 'context_length_exceeded', 'prompt'],
      [{ prompt: [5000] }, 400, 'invalid_request', 'prompt'],
      [{ logprobs: 2 }, 400, 'unsupported_parameter', 'logprobs'],
      [{ stop: ['a', 'b', 'c', 'd', 'e'] }, 400, 'invalid_request', 'stop'],
    ];
    for (const [more, status, code, param] of cases)
      for (const stream of [false, true])
        await assert.rejects(complete({ ...more, stream }), (error) => {
          assert.ok(error instanceof APIError, String(error));
          assert.deepEqual(
            [error.status, error.code, error.param],
            [status, code, param],
            JSON.stringify(more),
          );
          return true;
        });
    await assert.rejects(
      client.chat.completions.create({ model: 'alice', messages: [{ role: 'user', content: '  ' }] }),
      { status: 400, param: 'messages' },
    );
    const stranger = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'guess', maxRetries: 0 });
    await assert.rejects(stranger.models.list(), { status: 401, code: 'invalid_api_key' });
    assert.deepEqual(errors, [], 'none of these is a fault of the program');
  });

  it('answers what is no request of that client', async () => {
    const call = (path: string, init: RequestInit = {}) =>
      fetch(`${server.url}${path}`, {
        ...init,
        headers: { authorization: `Bearer ${KEY}`, ...init.headers },
      });
    const json = { 'content-type': 'application/json' };
    const cases: [string, RequestInit, number][] = [
      ['/v1/nothing', {}, 404],
      ['/v1/completions', {}, 405],
      ['/v1/completions', { method: 'POST', body: '{', headers: json }, 400],
      ['/v1/completions', { method: 'POST', body: '[]', headers: json }, 400],
      ['/v1/completions', { method: 'POST', body: '{}', headers: { 'content-type': 'text/plain' } }, 400],
      ['/v1/completions', { method: 'POST', body: 'x'.repeat(1_100_000), headers: json }, 413],
    ];
    for (const [path, init, status] of cases) {
      const answer = await call(path, init);
      const body = (await answer.json()) as { error: { message: string; code: string } };
      assert.equal(answer.status, status, path);
      assert.ok(body.error.message.length > 5 && body.error.code.length > 3);
      assert.equal(answer.headers.get('access-control-allow-origin'), null);
    }
  });

  it('gives the model out as files that other programs open', async () => {
    const read = async (format: string): Promise<Buffer> => {
      const answer = await fetch(`${server.url}/v1/model.${format}`, {
        headers: { authorization: `Bearer ${KEY}` },
      });
      assert.equal(
        answer.headers.get('content-disposition'),
        `attachment; filename="alice-nano-local.${format}"`,
      );
      return Buffer.from(await answer.arrayBuffer());
    };
    const gguf = await read('gguf');
    assert.equal(gguf.subarray(0, 4).toString('latin1'), 'GGUF');
    const path = join(dir, 'downloaded.safetensors');
    writeFileSync(path, await read('safetensors'));
    assert.deepEqual(readFileSync(path), readFileSync(join(dir, 'model.safetensors')));
    assert.deepEqual(await read('gguf'), gguf);
  });

  it('gives up a text whose reader left, and frees the thread at once', async () => {
    const stream = await client.completions.create({ ...ENDLESS, stream: true });
    let read = 0;
    for await (const chunk of stream) if (chunk.choices.length > 0 && ++read === 3) break; // aborts the request
    const { choices } = await complete(); // the one thread is free again
    assert.equal(choices.length, 1);
    const abort = new AbortController();
    const given = client.completions.create(ENDLESS, { signal: abort.signal });
    setTimeout(() => abort.abort(), 50);
    await assert.rejects(given, APIUserAbortError);
    assert.equal((await complete()).choices.length, 1);
  });

  it('lets a bounded number wait, and tells others when to come back', async () => {
    const running = await client.completions.create({ ...ENDLESS, stream: true });
    const waiting = complete(); // takes the one place in the queue
    while (queue.waiting === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await assert.rejects(complete(), (error) => {
      assert.ok(error instanceof RateLimitError);
      assert.ok(Number(error.headers?.get('retry-after')) >= 1);
      return true;
    });
    running.controller.abort();
    assert.equal((await waiting).choices.length, 1);
  });

  it('answers while a text is being written', async () => {
    const running = await client.completions.create({ ...ENDLESS, stream: true });
    for (let i = 0; i < 5; i++)
      assert.equal(
        (await fetch(`${server.url}/health`, { headers: { authorization: `Bearer ${KEY}` } })).status,
        200,
      );
    running.controller.abort();
  });
});
