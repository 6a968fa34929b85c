/** @file The way from the status page to the inference endpoint: bytes as they come, a reader who leaves, an endpoint that is away. */
import assert from 'node:assert/strict';
import { createServer, get, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import Fastify, { type FastifyInstance } from 'fastify';
import { registerInference } from './inference.js';

describe('the way to the inference endpoint', () => {
  let answer: (request: IncomingMessage, response: ServerResponse) => void = () => undefined;
  const upstream = createServer((incoming, response) => answer(incoming, response));
  let app: FastifyInstance;
  let base: string;

  before(async () => {
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
    app = Fastify({ forceCloseConnections: true });
    const url = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
    await registerInference(app, { url });
    base = await app.listen({ port: 0, host: '127.0.0.1' });
  });
  after(async () => {
    await app.close();
    upstream.closeAllConnections();
    upstream.close();
  });

  it('passes body, status and headers through', async () => {
    answer = async (incoming, response) => {
      let text = '';
      for await (const chunk of incoming) text += chunk;
      response.writeHead(429, {
        'content-type': 'application/json',
        'retry-after': '7',
        'set-cookie': 'a=b',
      });
      response.end(
        JSON.stringify({ path: incoming.url, got: JSON.parse(text), auth: incoming.headers.authorization }),
      );
    };
    const reply = await fetch(`${base}/inference/v1/chat/completions`, {
      method: 'POST',
      body: '{"model":"alice"}',
      headers: { 'content-type': 'application/json', authorization: 'Bearer of the parameter server' },
    });
    assert.deepEqual(
      [reply.status, reply.headers.get('retry-after'), reply.headers.get('set-cookie')],
      [429, '7', null],
    );
    assert.deepEqual(await reply.json(), { path: '/v1/chat/completions', got: { model: 'alice' } });
  });

  it('streams: the first event arrives while the text is still being written', async () => {
    let finish: () => void = () => undefined;
    answer = (_incoming, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: one\n\n');
      finish = () => response.end('data: two\n\n');
    };
    const text = await new Promise<string>((resolve, reject) => {
      let read = '';
      get(`${base}/inference/v1/models`, (response) => {
        response.on('data', (chunk: Buffer) => {
          read += chunk;
          if (read === 'data: one\n\n') finish(); // only now does the endpoint go on
        });
        response.on('end', () => resolve(read));
      }).on('error', reject);
    });
    assert.equal(text, 'data: one\n\ndata: two\n\n');
  });

  it('tells the endpoint when the reader has left', async () => {
    const left = new Promise<void>((resolve) => {
      answer = (_incoming, response) => {
        response.once('close', resolve);
        response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: one\n\n');
      };
    });
    const asking = request(`${base}/inference/v1/completions`, { method: 'POST' }, (response) => {
      response.once('data', () => asking.destroy());
    });
    asking.on('error', () => undefined);
    asking.end('{}');
    await left;
  });

  it('answers for an endpoint that is away, and reaches nothing else of it', async () => {
    assert.equal((await fetch(`${base}/inference/health`)).status, 404);
    upstream.closeAllConnections();
    await new Promise<void>((resolve) => upstream.close(() => resolve()));
    const reply = await fetch(`${base}/inference/v1/models`);
    assert.equal(reply.status, 503);
    assert.equal(((await reply.json()) as { error: { code: string } }).error.code, 'inference_unavailable');
  });
});
