/** @file The status page: files of a folder at `/`, or a line of text where there is no page to serve. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';

const NO_PAGE =
  'This is an Alice parameter server. Its state is at /v1/status; this installation has no status page.\n';

export interface PageOptions {
  /** Folder of the page's files. */
  readonly staticDir: string | undefined;
  /** WebSocket address of a chain node that browsers can reach; the page finds it in `/page-config.json`. */
  readonly chainWs: string | undefined;
}

export async function registerPage(app: FastifyInstance, { staticDir, chainWs }: PageOptions): Promise<void> {
  if (chainWs !== undefined) app.get('/page-config.json', async () => ({ chainWs }));
  if (staticDir === undefined || !existsSync(staticDir)) {
    app.get('/', async (_request, reply) => reply.type('text/plain; charset=utf-8').send(NO_PAGE));
    return;
  }
  await app.register(fastifyStatic, {
    root: resolve(staticDir),
    dotfiles: 'ignore',
    cacheControl: false,
    setHeaders: (response) => void response.setHeader('cache-control', 'no-cache'),
  });
}
