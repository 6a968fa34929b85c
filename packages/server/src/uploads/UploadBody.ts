/**
 * @file The body of an upload as a route's handler sees it: first the header alone, so that it can be refused before the
 * rest is read; then the rest, in parts, into the intake thread. A sender that stalls or hangs up ends it, and whatever
 * was not kept leaves nothing behind. What a refusal leaves unread the connection swallows, so that its answer arrives.
 */
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { errorCodeOf, type HashHex, SUBMISSION_HEADER_BYTES, toHex } from '@alice/protocol';
import { ServerError } from '../errors.js';
import type { CheckedUpload } from './ArrivingUpload.js';
import type { Intake, Upload } from './Intake.js';

export interface UploadBody {
  /** The bytes of a submission's header; fewer when the body is shorter. */
  head(): Promise<Uint8Array>;
  /** As announced by the request; undefined when it did not say. */
  readonly announcedBytes: number | undefined;
  /** Takes all of it: hashed, checked, on disk. Throws `WireError`, `BODY_TOO_LARGE`, `UPLOAD_SLOW`, `UPLOAD_ABORTED`. */
  receive(): Promise<CheckedUpload>;
  /** Makes what was received a blob, for good. */
  keep(): Promise<void>;
  /** Reads all of it for its hash and keeps nothing. */
  digest(): Promise<HashHex>;
  /** To be called at the end, however it went. */
  close(): void;
}

export interface UploadLimits {
  readonly limitBytes: number;
  /** Longest silence, ms. */
  readonly idleMs: number;
}

/** Slower than this on the whole is stuck, as the client sees it too. */
const SLOWEST_BYTES_PER_SEC = 16_000;

export function openUploadBody(
  stream: Readable,
  {
    intake,
    announcedBytes,
    limits,
  }: { intake: Intake; announcedBytes: number | undefined; limits: UploadLimits },
): UploadBody {
  const parts = readParts(stream, limits);
  const read: Uint8Array[] = [];
  let readBytes = 0;
  let upload: Upload | undefined;

  const next = async (): Promise<Uint8Array | undefined> => {
    const { done, value } = await parts.next();
    if (done) return undefined;
    readBytes += value.length;
    return value;
  };
  /** What has been read to see the header, as one part. */
  const beginning = async (): Promise<Uint8Array> => {
    while (readBytes < SUBMISSION_HEADER_BYTES) {
      const part = await next();
      if (!part) break;
      read.push(part);
    }
    if (read.length !== 1) read.splice(0, read.length, Buffer.concat(read));
    return read[0]!;
  };

  return {
    announcedBytes,
    async head() {
      return (await beginning()).subarray(0, SUBMISSION_HEADER_BYTES);
    },
    async receive() {
      upload = intake.open();
      let part = await beginning();
      read.length = 0;
      for (;;) {
        // Where the length is known, the last part says so itself and saves a message.
        const checked = await upload.add(part, readBytes === announcedBytes);
        if (checked) return checked;
        const following = await next();
        if (!following) return (await upload.add(new Uint8Array(), true))!;
        part = following;
      }
    },
    async keep() {
      await upload?.keep();
      upload = undefined;
    },
    async digest() {
      const hash = createHash('sha256').update(await beginning());
      for (let part = await next(); part; part = await next()) hash.update(part);
      return toHex(hash.digest());
    },
    close() {
      upload?.drop();
      upload = undefined;
      if (!stream.destroyed) stream.resume();
    },
  };
}

/** The parts as they come. Waiting for the sender is timed, waiting for us is not. */
async function* readParts(
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
