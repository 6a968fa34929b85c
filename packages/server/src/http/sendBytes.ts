/** @file Sends bytes that never change under their name: strong tag, long cache for their owner, one byte range. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { BlobStore } from '../blobs/BlobStore.js';
import { ServerError } from '../errors.js';
import { byteRange } from './byteRange.js';
import type { BytesAnswer } from './handlers.js';

interface Sending {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly answer: BytesAnswer;
}

export function sendBytes(blobs: BlobStore, { request, reply, answer }: Sending): FastifyReply {
  const sizeBytes = answer.kind === 'blob' ? answer.sizeBytes : answer.bytes.length;
  const tag = `"${answer.kind === 'blob' ? answer.hash : answer.tag}"`;
  reply
    .header('content-type', 'application/octet-stream')
    .header('accept-ranges', 'bytes')
    .header('etag', tag)
    .header('cache-control', 'private, max-age=31536000, immutable');
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
  if (answer.kind === 'blob') return reply.send(blobs.stream(answer.hash, { from, to }));
  return reply.send(Buffer.from(answer.bytes.subarray(from, to + 1)));
}
