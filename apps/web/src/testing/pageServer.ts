/** @file Serves the built page as the parameter server would, with given answers and chain address; for tests only. */
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { NetworkStatus } from '@alice/protocol';

export const PUBLIC_DIR = fileURLToPath(new URL('../public', import.meta.url));
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
};

export interface PageServer {
  readonly url: string;
  /** Every connection ends, as when the process dies. */
  stop(): Promise<void>;
  /** The same port again. */
  start(): Promise<void>;
}

export interface PageServerOptions {
  readonly status: () => NetworkStatus | Promise<NetworkStatus>;
  readonly chainWs: string;
  /** More routes of the parameter server, by path: JSON values, or bytes. */
  readonly answers?: Readonly<Record<string, unknown>>;
}

export async function servePage({ status, chainWs, answers = {} }: PageServerOptions): Promise<PageServer> {
  const json: Readonly<Record<string, () => unknown>> = {
    '/v1/status': status,
    '/page-config.json': () => ({
      chainWs,
      ...('/inference/v1/models' in answers && { inference: '/inference' }),
    }),
    ...Object.fromEntries(Object.entries(answers).map(([path, answer]) => [path, () => answer])),
  };
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://page');
    if (pathname === '/v1/events') {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('event: hello\ndata: {}\n\n');
      return;
    }
    const answer = json[decodeURIComponent(pathname)];
    if (answer) void Promise.resolve(answer()).then((value) => send(response, value));
    else sendFile(response, pathname);
  });
  const port = await listen(server, 0);
  return {
    url: `http://127.0.0.1:${port}/`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
    start: async () => void (await listen(server, port)),
  };
}

async function listen(server: Server, port: number): Promise<number> {
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

function send(response: ServerResponse, value: unknown): void {
  if (value instanceof Uint8Array) response.writeHead(200).end(value);
  else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

function sendFile(response: ServerResponse, pathname: string): void {
  const file = join(PUBLIC_DIR, pathname === '/' ? 'index.html' : pathname);
  if (existsSync(file))
    response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'text/plain' }).end(readFileSync(file));
  else response.writeHead(404).end();
}
