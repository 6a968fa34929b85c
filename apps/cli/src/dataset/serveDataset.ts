/**
 * @file A dataset's public files over HTTP, for miners and mirrors: the manifest, the block hashes and the training shards,
 * with Range and strong entity tags. Validation and audit shards are not served, whatever is asked for; nor is any other file
 * of the folder, since only names of the manifest are known. What is served is what the folder held at the start.
 */

import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pipeline, type Readable } from 'node:stream';
import {
  BLOCKS_FILE,
  conversationShardName,
  MANIFEST_FILE,
  readAnyManifest,
  shardFileName,
} from '@alice/data';
import { urlHost } from '@alice/protocol';
import { byteRange } from '@alice/server';

export interface DatasetServerOptions {
  readonly dir: string;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
}

export interface DatasetServer {
  readonly url: string;
  readonly root: string;
  /** Number of training shards. */
  readonly shards: number;
  close(): Promise<void>;
}

interface PublicFile {
  readonly path: string;
  readonly bytes: number;
  /** Changes whenever the content does. */
  readonly tag: string;
}

/** Throws `MANIFEST_MISSING`, `MANIFEST_INVALID`; the system's error when it cannot listen. */
export async function serveDataset({ dir, host, port }: DatasetServerOptions): Promise<DatasetServer> {
  const { root, files } = await publicFiles(dir);
  const server: Server = createServer((request, response) => answer(files, request, response));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const { port: actual } = server.address() as AddressInfo;
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  const shards = [...files.keys()].filter((name) => name.endsWith('.bin') && name !== BLOCKS_FILE).length;
  return { url: `http://${urlHost(host)}:${actual}`, root, shards, close };
}

async function publicFiles(dir: string): Promise<{ root: string; files: ReadonlyMap<string, PublicFile> }> {
  const manifest = readAnyManifest(dir);
  const files = new Map<string, PublicFile>();
  const shards =
    'kind' in manifest
      ? manifest.shards.map((shard) => ({ ...shard, name: conversationShardName(shard) }))
      : manifest.shards.map((shard) => ({ ...shard, name: shardFileName(shard.id) }));
  for (const { name, split, bytes, sha256 } of shards)
    if (split === 'train') files.set(name, { path: join(dir, name), bytes, tag: `"${sha256}"` });
  for (const name of [MANIFEST_FILE, BLOCKS_FILE]) {
    const path = join(dir, name);
    const found = await stat(path).catch(() => null);
    // The recipe too: equal shards may have other sources.
    const tag = `"${manifest.recipe}${manifest.root}"`;
    if (found !== null) files.set(name, { path, bytes: found.size, tag });
  }
  return { root: manifest.root, files };
}

function answer(
  files: ReadonlyMap<string, PublicFile>,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  // Browsers mine too, from pages of other origins.
  response.setHeader('access-control-allow-origin', '*');
  response.setHeader('access-control-expose-headers', 'content-range, etag');
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return void response.writeHead(405, { allow: 'GET, HEAD' }).end();
  // Cut by hand: a URL parser throws on what clients may write there, such as "//".
  const path = (request.url ?? '').replace(/^https?:\/\/[^/]*/i, '').replace(/[?#].*$/s, '');
  const file = files.get(path.slice(1));
  if (file === undefined) return void response.writeHead(404).end();
  sendFile(file, request, response);
}

function sendFile(
  { path, bytes, tag }: PublicFile,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const { range, 'if-range': ifRange, 'if-none-match': known } = request.headers;
  response.setHeader('etag', tag);
  response.setHeader('accept-ranges', 'bytes');
  response.setHeader('cache-control', 'public, max-age=300');
  if (known === tag) return void response.writeHead(304).end();
  const wanted = ifRange === undefined || ifRange === tag ? byteRange(range, bytes) : 'all';
  if (wanted === 'invalid')
    return void response.writeHead(416, { 'content-range': `bytes */${bytes}` }).end();
  // An empty file has no last byte.
  const { from, to } = wanted === 'all' ? { from: 0, to: Math.max(0, bytes - 1) } : wanted;
  response.writeHead(wanted === 'all' ? 200 : 206, {
    'content-type': path.endsWith('.json') ? 'application/json' : 'application/octet-stream',
    'content-length': bytes === 0 ? 0 : to - from + 1,
    ...(wanted === 'all' ? {} : { 'content-range': `bytes ${from}-${to}/${bytes}` }),
  });
  if (request.method === 'HEAD' || bytes === 0) return void response.end();
  send(createReadStream(path, { start: from, end: to }), response, to - from + 1);
}

/** A file that is shorter now, or gone: the connection breaks, so that the reader sees that the answer is not whole. */
function send(content: Readable, response: ServerResponse, expected: number): void {
  let sent = 0;
  const counted = async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      sent += chunk.length;
      yield chunk;
    }
    if (sent < expected) throw new Error('the file is shorter than it was');
  };
  // Closes the file too when the reader goes away.
  pipeline(content, counted, response, (error) => {
    if (error) response.destroy();
  });
}
