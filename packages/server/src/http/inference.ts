/**
 * @file Hands requests below `/inference` on to an inference endpoint (`alice serve`), so that the status page can talk to
 * the model without another origin. Bytes pass through as they come, both ways; nothing is read or kept here.
 */
import { type IncomingMessage, request as send } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

export const INFERENCE_PREFIX = '/inference';

/** What the page needs; anything else of the endpoint stays private. */
const PATHS = [
  'GET /v1/models',
  'GET /v1/model.gguf',
  'GET /v1/model.safetensors',
  'GET /v1/samples',
  'POST /v1/completions',
  'POST /v1/chat/completions',
];
const MAX_BODY_BYTES = 1_000_000;
const FORWARDED = ['content-type', 'retry-after', 'content-length', 'content-disposition'] as const;

/** `url`: where the endpoint listens; a plain HTTP address of this machine or its network. */
export async function registerInference(app: FastifyInstance, { url }: { url: string }): Promise<void> {
  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    for (const route of PATHS) {
      const [method, path] = route.split(' ') as ['GET' | 'POST', string];
      scope.route({
        ...{ method, url: `${INFERENCE_PREFIX}${path}`, bodyLimit: MAX_BODY_BYTES },
        handler: (request, reply) => forward({ request, reply, target: new URL(path, url) }),
      });
    }
  });
}

interface Forwarding {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly target: URL;
}

async function forward({ request, reply, target }: Forwarding): Promise<FastifyReply> {
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  try {
    const answer = await exchange(request, target, gone.signal);
    reply.code(answer.statusCode ?? 502);
    for (const name of FORWARDED) {
      const value = answer.headers[name];
      if (value !== undefined) reply.header(name, value);
    }
    return await reply.header('x-accel-buffering', 'no').send(answer);
  } catch {
    if (gone.signal.aborted) return reply;
    return await reply.code(503).header('retry-after', '3').send(UNAVAILABLE);
  }
}

/** In the form of the endpoint's own refusals. */
const UNAVAILABLE = {
  error: {
    message: 'the inference endpoint does not answer; it may be starting: try again',
    ...{ type: 'server_error', param: null, code: 'inference_unavailable' },
  },
};

function exchange(request: FastifyRequest, target: URL, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const { 'content-type': type, 'content-length': length } = request.headers;
    const upstream = send(target, {
      ...{ method: request.method, signal },
      headers: { ...(type && { 'content-type': type }), ...(length && { 'content-length': length }) },
    });
    upstream.once('response', resolve);
    upstream.once('error', reject);
    if (request.method === 'POST' && request.body) (request.body as IncomingMessage).pipe(upstream);
    else upstream.end();
  });
}
