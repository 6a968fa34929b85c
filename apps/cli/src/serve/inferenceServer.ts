/**
 * @file The inference endpoint: OpenAI's routes over plain HTTP. It serves and queues; texts are made in other threads.
 * No CORS and JSON bodies only, so no foreign page can use it through a visitor's browser.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Logger, messageOf, urlHost } from '@alice/protocol';
import { type Author, answerCompletion, sendJson } from './answerCompletion.js';
import { parseCompletion } from './completionRequest.js';
import type { InferenceQueue } from './InferenceQueue.js';
import { ANY_MODEL, fingerprint, type ModelCard, modelId } from './ModelCard.js';
import { readJson } from './readJson.js';
import { type FileMaker, sendModelFile } from './sendModelFile.js';
import { invalid, openAiError, ServeError } from './serveError.js';

export interface InferenceServerOptions {
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
  /** Callers must send it as a bearer token; absent: anyone may call. */
  readonly apiKey?: string | undefined;
  /** The most tokens one text may have. */
  readonly maxTokens: number;
}

export interface InferenceServerPorts {
  readonly queue: Pick<InferenceQueue<Author & FileMaker>, 'run' | 'waiting'>;
  /** The model without loading it, where that can be known. Throws `model_unavailable`. */
  readonly describe: () => Promise<ModelCard>;
  /** Texts of earlier versions, where they are kept. */
  readonly samples?: () => unknown;
  /** Folder for model files that are downloaded; absent: none are given out. */
  readonly fileDir?: string;
  readonly log: Logger;
  readonly nowMs: () => number;
}

export interface InferenceServer {
  readonly url: string;
  close(): Promise<void>;
}

type Handler = (exchange: {
  request: IncomingMessage;
  response: ServerResponse;
  id: string;
}) => Promise<void>;

const HEADERS_TIMEOUT_MS = 15_000;
const REQUEST_TIMEOUT_MS = 60_000;

export async function startInferenceServer(
  options: InferenceServerOptions,
  ports: InferenceServerPorts,
): Promise<InferenceServer> {
  const routes = createRoutes(options, ports);
  const isAllowed = keyCheck(options.apiKey);
  const server = createServer(
    { headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS },
    (request, response) => {
      response.setHeader('x-content-type-options', 'nosniff');
      response.on('error', () => undefined); // the reader is gone; `close` says so
      answer(request, response).catch((error: unknown) => fail(response, error, ports.log));
    },
  );
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { handler, id } = findRoute(routes, request);
    if (!isAllowed(request.headers.authorization))
      throw new ServeError(
        { code: 'invalid_api_key', param: null },
        'this endpoint needs its API key: send it as "Authorization: Bearer KEY"',
      );
    await handler({ request, response, id });
  };
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${urlHost(options.host)}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface RouteEntry {
  readonly method: 'GET' | 'POST';
  readonly path: RegExp;
  readonly handler: Handler;
}

function createRoutes(options: InferenceServerOptions, ports: InferenceServerPorts): RouteEntry[] {
  const complete =
    (kind: 'text' | 'chat'): Handler =>
    async ({ request, response }) => {
      const parsed = parseCompletion(kind, await readJson(request), options);
      checkModel(parsed.model, await ports.describe());
      const gone = new AbortController();
      response.once('close', () => gone.abort());
      const { signal } = gone;
      await ports.queue
        .run(signal, (author) => answerCompletion(parsed, author, { response, signal, nowMs: ports.nowMs }))
        .catch((error: unknown) => {
          if (!signal.aborted) throw error;
        });
    };
  return [
    {
      ...{ method: 'GET', path: /^\/v1\/models$/ },
      handler: async ({ response }) =>
        sendJson(response, 200, { object: 'list', data: [modelMessage(await ports.describe())] }),
    },
    {
      ...{ method: 'GET', path: /^\/v1\/models\/([^/]+)$/ },
      handler: async ({ response, id }) => {
        const card = await ports.describe();
        checkModel(id, card);
        sendJson(response, 200, modelMessage(card));
      },
    },
    { method: 'POST', path: /^\/v1\/completions$/, handler: complete('text') },
    { method: 'POST', path: /^\/v1\/chat\/completions$/, handler: complete('chat') },
    {
      ...{ method: 'GET', path: /^\/v1\/samples$/ },
      handler: async ({ response }) =>
        sendJson(response, 200, ports.samples?.() ?? { prompts: [], samples: [] }),
    },
    {
      ...{ method: 'GET', path: /^\/v1\/model\.(gguf|safetensors)$/ },
      handler: async ({ response, id }) => {
        const { fileDir: dir, queue } = ports;
        if (dir === undefined) throw noRoute('GET', `/v1/model.${id}`);
        const format = id === 'gguf' ? 'gguf' : 'safetensors';
        await sendModelFile(queue, { response, format, dir });
      },
    },
    {
      ...{ method: 'GET', path: /^\/health$/ },
      handler: async ({ response }) => sendJson(response, 200, { ok: true, waiting: ports.queue.waiting }),
    },
  ];
}

function findRoute(
  routes: readonly RouteEntry[],
  request: IncomingMessage,
): { handler: Handler; id: string } {
  const path = (request.url ?? '/').split('?')[0]!;
  const matching = routes.filter((route) => route.path.test(path));
  const route = matching.find(({ method }) => method === request.method);
  if (route) return { handler: route.handler, id: idOf(route.path.exec(path)?.[1] ?? '') };
  if (matching.length === 0) throw noRoute(request.method ?? '', path);
  const allow = matching.map(({ method }) => method).join(', ');
  throw new ServeError({ code: 'method_not_allowed', param: null, allow }, `${path} takes ${allow}`);
}

function noRoute(method: string, path: string): ServeError {
  return new ServeError(
    { code: 'not_found', param: null },
    `there is no ${method} ${path}: use /v1/models, /v1/completions or /v1/chat/completions`,
  );
}

function idOf(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function checkModel(asked: string, card: ModelCard): void {
  if (asked === '') throw invalid('model', `model is missing: ask for "${modelId(card)}", or "${ANY_MODEL}"`);
  if (asked === modelId(card) || asked === ANY_MODEL) return;
  throw new ServeError(
    { code: 'model_not_found', param: 'model' },
    `the model "${asked.slice(0, 80)}" does not exist here: ask for "${modelId(card)}", or "${ANY_MODEL}"`,
  );
}

function modelMessage(card: ModelCard): unknown {
  return {
    ...{
      id: modelId(card),
      object: 'model',
      created: Math.floor(card.createdAtMs / 1000),
      owned_by: 'alice',
    },
    ...{ context_length: card.context, parameters: card.parameters, tokenizer: card.tokenizerId },
    ...{ version: card.version ?? null, state_root: card.stateRoot ?? null, fingerprint: fingerprint(card) },
  };
}

/** Compared as hashes, so that time tells nothing of the key. */
function keyCheck(apiKey: string | undefined): (authorization: string | undefined) => boolean {
  if (apiKey === undefined) return () => true;
  const hash = (text: string): Buffer => createHash('sha256').update(text).digest();
  const wanted = hash(`Bearer ${apiKey}`);
  return (authorization) => timingSafeEqual(hash(authorization ?? ''), wanted);
}

function fail(response: ServerResponse, error: unknown, log: Logger): void {
  const { status, headers, body } = openAiError(error);
  if (status === 500) log.error('A text could not be made', { reason: messageOf(error) });
  if (response.headersSent || response.destroyed) return void response.destroy();
  sendJson(response, status, body, { ...headers, ...(status === 413 ? { connection: 'close' } : {}) });
}
