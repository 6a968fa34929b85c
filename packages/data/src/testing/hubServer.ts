/**
 * @file A small server that lays files out as the hub does: revisions, paged trees with LFS hashes, `resolve` addresses that
 * redirect to a second origin (the storage), Range, entity tags, tokens; and that breaks connections on demand.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

export interface HubOptions {
  readonly files: Record<string, Uint8Array>;
  /** Required of API and resolve requests. */
  readonly token?: string;
  /** Answers the n-th storage request with so many bytes and then breaks; undefined: whole. */
  readonly breakAfter?: (request: number) => number | undefined;
  /** Status of the n-th API request, instead of an answer. */
  readonly failWith?: (request: number) => number | undefined;
}

export interface Hub {
  readonly endpoint: string;
  readonly storage: string;
  /** Method, path and Authorization header of every request to the storage. */
  readonly storageRequests: { range: string | undefined; authorization: string | undefined }[];
}

const COMMIT = 'c0ffee'.padEnd(40, '0');
const PAGE = 3;

export async function hubServer(t: TestContext, options: HubOptions): Promise<Hub> {
  const { files, token, breakAfter, failWith } = options;
  const storageRequests: Hub['storageRequests'] = [];
  const storage = await listen(t, (request, response) => {
    storageRequests.push({ range: request.headers.range, authorization: request.headers.authorization });
    const path = decodeURIComponent(request.url!.slice(1));
    if (path === '' || path.endsWith('/')) return sendIndex(response, path, Object.keys(files));
    sendFile(request, response, { content: files[path], cut: breakAfter?.(storageRequests.length) });
  });
  let asked = 0;
  const endpoint = await listen(t, (request, response) => {
    const url = new URL(request.url!, 'http://x');
    const status = failWith?.(++asked);
    if (status !== undefined) return void response.writeHead(status, { 'retry-after': '1' }).end();
    if (token !== undefined && request.headers.authorization !== `Bearer ${token}`)
      return void response.writeHead(401).end();
    const resolve = `/datasets/own/set/resolve/${COMMIT}/`;
    if (url.pathname === '/api/datasets/own/set/revision/main') return json(response, { sha: COMMIT });
    if (url.pathname.startsWith(`/api/datasets/own/set/tree/${COMMIT}`))
      return sendTree(response, url, { files, endpoint });
    if (url.pathname.startsWith(resolve))
      return void response
        .writeHead(302, { location: `${storage}/${url.pathname.slice(resolve.length)}` })
        .end();
    response.writeHead(404).end();
  });
  return { endpoint, storage, storageRequests };
}

async function listen(
  t: TestContext,
  handle: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<string> {
  const server: Server = createServer(handle);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function json(response: ServerResponse, value: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value));
}

function sendTree(
  response: ServerResponse,
  url: URL,
  { files, endpoint }: { files: HubOptions['files']; endpoint: string },
): void {
  const folder = decodeURIComponent(url.pathname.split('/').slice(7).join('/'));
  const from = Number(url.searchParams.get('cursor') ?? 0);
  const names = Object.keys(files).filter((name) => name.startsWith(folder));
  const entries = names.slice(from, from + PAGE).map((path) => ({
    type: 'file',
    path,
    oid: 'git',
    size: 130,
    lfs: { oid: createHash('sha256').update(files[path]!).digest('hex'), size: files[path]!.length },
  }));
  const next = `${endpoint}${url.pathname}?recursive=true&cursor=${from + PAGE}`;
  json(response, entries, from + PAGE < names.length ? { link: `<${next}>; rel="next"` } : {});
}

function sendIndex(response: ServerResponse, folder: string, names: readonly string[]): void {
  const below = names.filter((name) => name.startsWith(folder)).map((name) => name.slice(folder.length));
  const entries = new Set(below.map((name) => (name.includes('/') ? `${name.split('/')[0]}/` : name)));
  const links = ['../', 'https://example.org/x.txt', ...[...entries].map(encodeURI)];
  response.writeHead(200).end(links.map((href) => `<a href="${href}">x</a>`).join('\n'));
}

function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  { content, cut }: { content: Uint8Array | undefined; cut: number | undefined },
): void {
  if (content === undefined) return void response.writeHead(404).end();
  const [, first = '0', last = ''] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
  const from = Number(first);
  if (from >= content.length && from > 0) return void response.writeHead(416).end();
  const part = content.subarray(from, last === '' ? undefined : Number(last) + 1);
  const etag = `"${createHash('sha256').update(content).digest('hex')}"`;
  response.writeHead(request.headers.range === undefined ? 200 : 206, {
    etag,
    'content-length': part.length,
  });
  if (request.method === 'HEAD') return void response.end();
  if (cut === undefined) return void response.end(part);
  response.write(part.subarray(0, cut), () => response.destroy());
}
