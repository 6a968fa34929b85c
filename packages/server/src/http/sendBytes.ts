/** @file Sends bytes that never change under their name: strong tag, long cache, one byte range. */
import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ServerContext } from '../context.js';
import { ServerError } from '../errors.js';
import { byteRange } from './byteRange.js';
import type { BytesAnswer } from './handlers.js';
import { pacedStream, partsOf } from './pacedStream.js';
import { isOfThisMachine, networkOf } from './rateLimits.js';

interface Sending {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly answer: BytesAnswer;
}

type Parts = Pick<ServerContext, 'blobs' | 'downloads'>;

export function sendBytes(parts: Parts, { request, reply, answer }: Sending): FastifyReply {
  const sizeBytes = answer.kind === 'blob' ? answer.sizeBytes : answer.bytes.length;
  const tag = `"${answer.kind === 'blob' ? answer.hash : answer.tag}"`;
  reply
    .header('content-type', 'application/octet-stream')
    .header('accept-ranges', 'bytes')
    .header('etag', tag)
    .header('cache-control', `${audienceOf(request)}, max-age=31536000, immutable`);
  if (request.headers['if-none-match'] === tag) return reply.code(304).send();
  const isSameContent = request.headers['if-range'] === undefined || request.headers['if-range'] === tag;
  const range = isSameContent ? byteRange(request.headers.range, sizeBytes) : 'all';
  if (range === 'invalid') {
    reply.header('content-range', `bytes */${sizeBytes}`).removeHeader('content-type');
    throw new ServerError(
      { code: 'RANGE_INVALID', sizeBytes },
      `the range lies outside the ${sizeBytes} bytes`,
    );
  }
  const { from, to } = range === 'all' ? { from: 0, to: sizeBytes - 1 } : range;
  if (range !== 'all') reply.code(206).header('content-range', `bytes ${from}-${to}/${sizeBytes}`);
  reply.header('content-length', to - from + 1);
  if (request.method === 'HEAD') return reply.send(Readable.from([])); // Fastify would read it all and throw it away
  const source =
    answer.kind === 'blob'
      ? parts.blobs.stream(answer.hash, { from, to })
      : answer.bytes.subarray(from, to + 1);
  return reply.send(pacedFor(request, parts, source));
}

/** What anyone may read, caches between may keep for others. */
const audienceOf = ({ headers }: FastifyRequest): 'public' | 'private' =>
  headers.authorization === undefined ? 'public' : 'private';

/** What stays on this machine, as a scorer beside the server, costs no bandwidth and waits for none. */
function pacedFor(request: FastifyRequest, { downloads }: Parts, source: Readable | Uint8Array) {
  if (!isOfThisMachine(request)) return pacedStream(downloads, networkOf(request.ip), source);
  return source instanceof Readable ? source : Readable.from(partsOf(source));
}
