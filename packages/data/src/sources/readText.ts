/**
 * @file Reads a text file in pieces, so that a file may be larger than memory. UTF-8 is checked, never guessed; a
 * leading byte order mark is an encoding sign and not text; line ends become "\n". Nothing else is changed.
 */
import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { errorCodeOf, messageOf } from '@alice/protocol';
import { DataError } from '../errors.js';
import { firstInvalidByte, unfinishedLength } from './firstInvalidByte.js';

/** Small enough that what is made of a chunk is garbage before the next collection of young objects. */
const CHUNK_BYTES = 1 << 17;

/** The bytes of a file in chunks. Throws `SOURCE_MISSING`, `SOURCE_UNREADABLE`. */
export async function* readBytes(path: string): AsyncGenerator<Buffer> {
  try {
    yield* createReadStream(path, { highWaterMark: CHUNK_BYTES }) as AsyncIterable<Buffer>;
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

/** What a failed file operation on a source means in this package's codes. */
export function unreadable(path: string, cause: unknown): unknown {
  if (cause instanceof DataError || errorCodeOf(cause) === 'ABORT_ERR') return cause;
  if (errorCodeOf(cause) === 'ENOENT')
    return new DataError({ code: 'SOURCE_MISSING', path }, `there is nothing at ${path}: check the path`, {
      cause,
    });
  return new DataError(
    { code: 'SOURCE_UNREADABLE', path },
    `${path} cannot be read (${messageOf(cause)}): check its permissions`,
    { cause },
  );
}

/** Cuts chunks at character borders and refuses what is not UTF-8, with the byte's place in the file. */
export class Utf8Chunks {
  readonly #path: string;
  #carry: Uint8Array = new Uint8Array();
  #offset = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** The whole characters of what came so far and was not returned yet. Throws `TEXT_NOT_UTF8`. */
  push(chunk: Uint8Array): Buffer {
    const bytes = this.#carry.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#carry, chunk]);
    const whole = bytes.subarray(0, bytes.length - unfinishedLength(bytes));
    if (!isUtf8(whole)) throw this.#invalid(whole);
    this.#carry = bytes.subarray(whole.length);
    this.#offset += whole.length;
    return whole;
  }

  /** To be called after the last chunk. Throws `TEXT_NOT_UTF8` when it ended inside a character. */
  finish(): void {
    if (this.#carry.length > 0) throw this.#invalid(this.#carry);
  }

  #invalid(bytes: Uint8Array): DataError {
    const byteOffset = this.#offset + Math.max(0, firstInvalidByte(bytes));
    const isUtf16 = byteOffset === 0 && (bytes[0] === 0xff || bytes[0] === 0xfe);
    return new DataError(
      { code: 'TEXT_NOT_UTF8', path: this.#path, byteOffset },
      `${this.#path} is not UTF-8 at byte ${byteOffset}${isUtf16 ? ' (it looks like UTF-16)' : ''}: ` +
        "convert it to UTF-8, or use --skip-invalid (in code, onInvalid: 'skip') to leave such files out",
    );
  }
}

/** Bytes as text in pieces, without byte order mark, line ends as "\n"; `path` is named in errors. */
export async function* normalizedPieces(
  content: AsyncIterable<Uint8Array>,
  path: string,
): AsyncGenerator<string> {
  const chunks = new Utf8Chunks(path);
  let isFirst = true;
  // A "\r" at the end of a piece waits: the next piece may begin with its "\n".
  let held = '';
  for await (const chunk of content) {
    let text = held + chunks.push(chunk).toString('utf8');
    if (isFirst && text.length > 0) {
      if (text.startsWith('\ufeff')) text = text.slice(1);
      isFirst = false;
    }
    held = text.endsWith('\r') ? '\r' : '';
    yield withLineFeeds(held ? text.slice(0, -1) : text);
  }
  chunks.finish();
  if (held) yield '\n';
}

/** Line ends of other systems as "\n". */
export function withLineFeeds(text: string): string {
  return text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text;
}
