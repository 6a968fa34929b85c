/**
 * @file The bytes of a file on the web as one stream, whatever happens on the way: a connection that breaks or stalls is
 * taken up again at the byte where it was (RFC 9110, Range). If the file has changed meanwhile, the stream ends with
 * `SOURCE_CHANGED`: halves of two files are never joined.
 */
import { messageOf } from '@alice/protocol';
import { DataError } from '../../errors.js';
import { bodyChunks, LEAST_BYTES } from './bodyChunks.js';
import { fetchWithRetries, pause, unreachable, type WebAccess } from './fetchWithRetries.js';

/** Breaks in a row without progress between them. */
const BREAKS = 7;

export interface RemoteRange {
  readonly url: string;
  /** First byte wanted. */
  readonly from: number;
  /** The byte after the last one wanted; default: all there are. */
  readonly to?: number;
  /** Entity tag of the file as it was listed; '' when unknown. */
  readonly tag: string;
}

/** Throws what `fetchWithRetries` throws, and `SOURCE_CHANGED`. */
export async function* remoteBytes(
  { url, from, to = Number.POSITIVE_INFINITY, tag }: RemoteRange,
  access: WebAccess,
): AsyncGenerator<Uint8Array> {
  let [at, known, breaks, came] = [from, tag, 0, 0];
  while (at < to) {
    const response = await fetchWithRetries(url, access, { headers: rangeHeader(at, to) });
    // A range beyond the end: the last byte came before the connection broke.
    if (response.status === 416) return;
    const found = entityTag(response);
    if (known !== '' && found !== '' && known !== found) throw changed(url, response);
    known = found || known;
    let skip = response.status === 206 ? 0 : at;
    const length = Number(response.headers.get('content-length') ?? Number.NaN);
    const end = (response.status === 206 ? at : 0) + length;
    try {
      requireRange(response, at);
      for await (const chunk of bodyChunks(response, access.stallMs)) {
        // A server that knows no ranges sends the file from its beginning, and beyond what is wanted.
        const part = chunk.subarray(Math.min(skip, chunk.length)).subarray(0, to - at);
        skip -= Math.min(skip, chunk.length);
        if (part.length === 0) continue;
        at += part.length;
        came += part.length;
        yield part;
        if (at === to) return;
      }
      if (Number.isNaN(end) || at >= end) return;
      throw new Error('the connection ended early');
    } catch (error) {
      access.signal?.throwIfAborted();
      if (error instanceof DataError) throw error;
      // A few bytes before each break are no progress.
      breaks = came >= LEAST_BYTES ? 1 : breaks + 1;
      came = 0;
      if (breaks > BREAKS) throw unreachable(url, messageOf(error));
      await pause(breaks, access, null);
    }
  }
}

function rangeHeader(from: number, to: number): Record<string, string> {
  if (to !== Number.POSITIVE_INFINITY) return { range: `bytes=${from}-${to - 1}` };
  return from > 0 ? { range: `bytes=${from}-` } : {};
}

/** Bytes from another place must never be joined to those before. */
function requireRange(response: Response, at: number): void {
  const [, first] = /^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '') ?? [];
  if (response.status !== 206 || first === undefined || Number(first) === at) return;
  void response.body?.cancel().catch(() => undefined);
  throw new Error(`the server sent the bytes from ${first} on instead of those from ${at}`);
}

/** What says that two answers are of the same content. */
export function entityTag(response: Response): string {
  // The hub answers with a redirect to storage whose own tag may differ by host: its linked tag is the content's.
  const tag = response.headers.get('x-linked-etag') ?? response.headers.get('etag') ?? '';
  return tag.replace(/^W\//, '');
}

function changed(url: string, response: Response): DataError {
  void response.body?.cancel().catch(() => undefined);
  return new DataError(
    { code: 'SOURCE_CHANGED', path: url },
    `${url} changed since it was listed: name a fixed revision, or build into a new folder`,
  );
}
