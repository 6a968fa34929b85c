/** @file The parts of a request's body as they come, bounded in length and time: waiting for the sender is timed, waiting for us is not. */
import type { Readable } from 'node:stream';
import { errorCodeOf } from '@alice/protocol';
import { ServerError } from '../errors.js';

export interface UploadLimits {
  readonly limitBytes: number;
  /** Longest silence, ms. */
  readonly idleMs: number;
}

/** Slower than this on the whole is stuck, as the client sees it too. */
const SLOWEST_BYTES_PER_SEC = 16_000;

/** Throws `BODY_TOO_LARGE`, `UPLOAD_SLOW`, `UPLOAD_ABORTED`. */
export async function* readParts(
  stream: Readable,
  { limitBytes, idleMs }: UploadLimits,
): AsyncGenerator<Uint8Array> {
  const parts = stream.iterator({ destroyOnReturn: false }) as AsyncIterator<Uint8Array>;
  let bytes = 0;
  let waitedMs = 0;
  for (;;) {
    const startedMs = performance.now();
    const allowedMs = Math.min(idleMs, idleMs + (1000 * bytes) / SLOWEST_BYTES_PER_SEC - waitedMs);
    const { done, value } = await within(parts.next(), allowedMs, idleMs);
    waitedMs += performance.now() - startedMs;
    if (done) return;
    bytes += value.length;
    if (bytes > limitBytes) throw tooLarge(limitBytes);
    yield value;
  }
}

export function tooLarge(limitBytes: number): ServerError {
  return new ServerError(
    { code: 'BODY_TOO_LARGE', limitBytes },
    `the body is larger than ${limitBytes} bytes, the most a valid one has`,
  );
}

async function within<T>(reading: Promise<T>, allowedMs: number, idleMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(slow(idleMs)), Math.max(0, allowedMs));
  });
  try {
    return await Promise.race([reading, late]);
  } catch (error) {
    reading.catch(() => undefined);
    if (error instanceof ServerError) throw error;
    throw ABORTED.has(errorCodeOf(error) ?? '') ? aborted(error) : error;
  } finally {
    clearTimeout(timer);
  }
}

const ABORTED = new Set(['ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE', 'EPIPE', 'ABORT_ERR']);

function aborted(cause: unknown): ServerError {
  return new ServerError({ code: 'UPLOAD_ABORTED' }, 'the connection broke in the middle of the upload', {
    cause,
  });
}

function slow(idleMs: number): ServerError {
  return new ServerError(
    { code: 'UPLOAD_SLOW', idleMs },
    `nothing, or hardly anything, came for ${idleMs} ms: send it again when the connection is better`,
  );
}
