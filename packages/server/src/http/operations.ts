/** @file Routes for whoever runs the server: health, readiness, metrics, the API document. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ServerError } from '../errors.js';
import type { Metrics } from '../operations/metrics.js';
import type { AppParts } from './app.js';
import { openapiDocument } from './openapi.js';
import { isOfThisMachine } from './rateLimits.js';

const VERSION = '0.1.0';

export function registerOperations(app: FastifyInstance, { context, isReady, metrics }: AppParts): void {
  for (const path of ['/health', '/healthz']) app.get(path, async () => ({ ok: true }));
  for (const path of ['/ready', '/readyz'])
    app.get(path, async (_request, reply) => {
      const ok = !context.closing.aborted && (await isReady().catch(() => false)); // a database that is away
      return reply.code(ok ? 200 : 503).send({ ok });
    });
  const document = JSON.stringify(openapiDocument({ limits: context.limits, version: VERSION }));
  app.get('/openapi.json', async (_request, reply) => reply.type('application/json').send(document));
  observeRequests(app, metrics);
  app.get('/metrics', async (request, reply) => {
    if (!mayRead(request, context.options.metricsToken))
      throw new ServerError({ code: 'TOKEN_MISSING' }, 'metrics are for this machine or the metrics token');
    return reply.type(metrics.contentType).send(await metrics.text());
  });
}

function observeRequests(app: FastifyInstance, metrics: Metrics): void {
  app.addHook('onResponse', async (request, reply) =>
    metrics.observe({
      route: request.routeOptions.url ?? 'none', // the pattern, never what a client typed
      method: request.method,
      status: reply.statusCode,
      seconds: reply.elapsedTime / 1000,
    }),
  );
}

/** From this machine without a token when none is set; from anywhere with it. */
function mayRead(request: FastifyRequest, token: string | undefined): boolean {
  if (token === undefined) return isOfThisMachine(request);
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(request.headers.authorization ?? ''), digest(`Bearer ${token}`));
}
