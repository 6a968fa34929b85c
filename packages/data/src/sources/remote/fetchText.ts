/** @file A page of a listing, whole: asked for again when the connection breaks inside it. */
import { messageOf } from '@alice/protocol';
import { bodyChunks } from './bodyChunks.js';
import { fetchWithRetries, pause, TRIES, unreachable, type WebAccess } from './fetchWithRetries.js';

/** A list of a million files has some hundred bytes each; more is no list. */
const MOST_BYTES = 256 * 2 ** 20;

export interface FetchedText {
  readonly text: string;
  readonly headers: Headers;
}

/** Throws what `fetchWithRetries` throws. */
export async function fetchText(url: string, access: WebAccess): Promise<FetchedText> {
  for (let tried = 1; ; tried++) {
    const response = await fetchWithRetries(url, access);
    try {
      return { text: await textOf(response, access), headers: response.headers };
    } catch (error) {
      access.signal?.throwIfAborted();
      if (tried === TRIES) throw unreachable(url, `${messageOf(error)}, ${TRIES} times`);
      await pause(tried, access, null);
    }
  }
}

async function textOf(response: Response, { stallMs }: WebAccess): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of bodyChunks(response, stallMs)) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES) throw new Error(`a list of more than ${MOST_BYTES} bytes`);
    parts.push(chunk);
  }
  const expected = Number(response.headers.get('content-length') ?? Number.NaN);
  if (bytes < expected) throw new Error('the connection ended early');
  return Buffer.concat(parts).toString('utf8');
}
