/**
 * @file `GET /v1/events`: server-sent events (HTML standard §9.2), so that the status page is live. Sends the whole status
 * as event `status` at once and after every change, at most once a second; a comment keeps idle connections open.
 */
import type { FastifyInstance } from 'fastify';
import { ServerError } from '../errors.js';
import type { AppParts } from './app.js';
import { isLoopback, networkOf } from './rateLimits.js';
import { SECURITY_HEADERS } from './securityHeaders.js';

const KEEP_ALIVE_MS = 15_000;
/** A page that reads this slowly is let go; it reconnects by itself. */
const MAX_BUFFERED_BYTES = 8 * 1024 * 1024;

export function registerEvents(app: FastifyInstance, { context, status }: AppParts): void {
  let streams = 0;
  const streamsOf = new Map<string, number>();
  const { eventStreams, eventStreamsPerIp } = context.limits;
  app.get('/v1/events', async (request, reply) => {
    const network = networkOf(request.ip);
    const own = streamsOf.get(network) ?? 0;
    if (streams >= eventStreams || (own >= eventStreamsPerIp && !isLoopback(request.ip)))
      throw new ServerError(
        { code: 'BUSY', retryAfterMs: 10_000 },
        'too many pages are listening: try again later',
      );
    streams++;
    streamsOf.set(network, own + 1);
    reply.hijack();
    const stream = reply.raw;
    stream.writeHead(200, {
      ...SECURITY_HEADERS,
      'content-type': 'text/event-stream',
      'x-accel-buffering': 'no',
    });
    stream.flushHeaders();
    const sendStatus = (text: string): void => {
      if (stream.writableLength > MAX_BUFFERED_BYTES) stream.destroy();
      else stream.write(`event: status\ndata: ${text}\n\n`);
    };
    const stop = status.subscribe(sendStatus);
    const keepAlive = setInterval(() => stream.write(':\n\n'), KEEP_ALIVE_MS);
    const end = () => stream.end();
    context.closing.addEventListener('abort', end, { once: true });
    stream.once('close', () => {
      context.closing.removeEventListener('abort', end);
      streams--;
      const left = streamsOf.get(network)! - 1;
      if (left > 0) streamsOf.set(network, left);
      else streamsOf.delete(network);
      stop();
      clearInterval(keepAlive);
    });
  });
}
