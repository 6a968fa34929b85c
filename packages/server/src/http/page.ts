/** @file The status page: files of a folder at `/`, or a line of text where there is no page to serve. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import { INFERENCE_PREFIX } from './inference.js';

const NO_PAGE =
  'This is an Alice parameter server. Its state is at /v1/status; this installation has no status page.\n';

export interface PageOptions {
  /** Folder of the page's files. */
  readonly staticDir: string | undefined;
  /** WebSocket address of a chain node that browsers can reach; the page finds it in `/page-config.json`. */
  readonly chainWs: string | undefined;
  /** Whether requests below `/inference` are answered; the page then offers to talk to the model. */
  readonly hasInference?: boolean;
}

export async function registerPage(
  app: FastifyInstance,
  { staticDir, chainWs, hasInference = false }: PageOptions,
): Promise<void> {
  if (chainWs !== undefined || hasInference)
    app.get('/page-config.json', async () => ({
      chainWs,
      ...(hasInference && { inference: INFERENCE_PREFIX }),
    }));
  if (staticDir === undefined || !existsSync(staticDir)) {
    app.get('/', async (_request, reply) => reply.type('text/plain; charset=utf-8').send(NO_PAGE));
    return;
  }
  await app.register(fastifyStatic, {
    root: resolve(staticDir),
    dotfiles: 'ignore',
    cacheControl: false,
    preCompressed: true, // large files lie there packed as well
    setHeaders: (response) => void response.setHeader('cache-control', 'no-cache'),
  });
}
