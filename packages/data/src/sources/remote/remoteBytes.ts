/**
 * @file The bytes of a file on the web as one stream, whatever happens on the way: a connection that breaks or stalls is
 * taken up again at the byte where it was (RFC 9110, Range). If the file has changed meanwhile, the stream ends with
 * `SOURCE_CHANGED`: halves of two files are never joined.
 */
import { messageOf } from '@alice/protocol';
import { DataError } from '../../errors.js';
import { fetchWithRetries, pause, unreachable, type WebAccess } from './fetchWithRetries.js';

/** A body that brings nothing for so long is given up and asked for again. */
const STALL_MS = 60_000;
/** Breaks in a row without a byte between them. */
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
  let [at, known, breaks] = [from, tag, 0];
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
      for await (const chunk of withStallLimit(response)) {
        // A server that knows no ranges sends the file from its beginning, and beyond what is wanted.
        const part = chunk.subarray(Math.min(skip, chunk.length)).subarray(0, to - at);
        skip -= Math.min(skip, chunk.length);
        if (part.length === 0) continue;
        at += part.length;
        breaks = 0;
        yield part;
        if (at === to) return;
      }
      if (Number.isNaN(end) || at >= end) return;
      throw new Error('the connection ended early');
    } catch (error) {
      access.signal?.throwIfAborted();
      if (error instanceof DataError) throw error;
      if (++breaks > BREAKS) throw unreachable(url, messageOf(error));
      await pause(breaks, access, null);
    }
  }
}

function rangeHeader(from: number, to: number): Record<string, string> {
  if (to !== Number.POSITIVE_INFINITY) return { range: `bytes=${from}-${to - 1}` };
  return from > 0 ? { range: `bytes=${from}-` } : {};
}

/** What says that two answers are of the same content. */
export function entityTag(response: Response): string {
  // The hub answers with a redirect to storage whose own tag may differ by host: its linked tag is the content's.
  const tag = response.headers.get('x-linked-etag') ?? response.headers.get('etag') ?? '';
  return tag.replace(/^W\//, '');
}

async function* withStallLimit(response: Response): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  try {
    for (;;) {
      let timer: NodeJS.Timeout | undefined;
      const stalled = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error('the connection stalled')), STALL_MS);
      });
      const { done, value } = await Promise.race([reader.read(), stalled]).finally(() => clearTimeout(timer));
      if (done) return;
      yield value;
    }
  } finally {
    // The reader of this stream may stop early (a limit reached, a fault): the connection must not stay open.
    await reader.cancel().catch(() => undefined);
  }
}

function changed(url: string, response: Response): DataError {
  void response.body?.cancel().catch(() => undefined);
  return new DataError(
    { code: 'SOURCE_CHANGED', path: url },
    `${url} changed since it was listed: name a fixed revision, or build into a new folder`,
  );
}
