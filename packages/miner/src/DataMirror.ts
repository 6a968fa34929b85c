/**
 * @file A plain web server that holds a dataset's files (shards, `blocks.bin`), asked with Range requests. Nothing it sends
 * is believed: whoever asks checks the hash. Runs in browsers too.
 */
import { checkServerUrl, messageOf } from '@alice/protocol';
import { MinerError } from './errors.js';

export interface ByteSpan {
  readonly from: number;
  /** The byte after the last. */
  readonly to: number;
}

const TIMEOUT_MS = 60_000;

export class DataMirror {
  readonly url: string;
  readonly #fetch: typeof fetch;

  /** Throws `SERVER_URL_INVALID`, `TLS_REQUIRED`. */
  constructor(url: string, fetchFn: typeof fetch = (...args) => fetch(...args)) {
    this.url = checkServerUrl(url);
    this.#fetch = fetchFn;
  }

  /** Bytes of one of its files. A server that knows no ranges sends all of it, of which the rest is passed over. Throws `MIRROR_FAILED`. */
  async bytes(file: string, { from, to }: ByteSpan): Promise<Uint8Array> {
    const url = `${this.url}/${file}`;
    try {
      const response = await this.#fetch(url, {
        headers: { range: `bytes=${from}-${to - 1}` },
        redirect: 'error',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      if (response.status === 206) return await collected(response, { from: 0, to: to - from });
      if (response.status === 200) return await collected(response, { from, to });
      await response.body?.cancel();
      throw new Error(`status ${response.status}`);
    } catch (cause) {
      throw new MinerError(
        { code: 'MIRROR_FAILED', url },
        `the data mirror has no bytes ${from} to ${to} at ${url} (${messageOf(cause)}): the next place is asked`,
        { cause },
      );
    }
  }
}

/** A part of a body; what follows is never read. */
async function collected(response: Response, { from, to }: ByteSpan): Promise<Uint8Array> {
  const bytes = new Uint8Array(to - from);
  const reader = response.body?.getReader();
  let at = 0;
  try {
    while (at < to) {
      const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
      if (done || value === undefined) throw new Error(`it ends after ${at} of ${to} bytes`);
      const part = value.subarray(Math.max(0, from - at), to - at);
      bytes.set(part, Math.max(0, at - from));
      at += value.length;
    }
    return bytes;
  } finally {
    await reader?.cancel().catch(() => undefined);
  }
}
