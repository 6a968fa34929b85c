/**
 * @file Blobs in an S3-compatible object store: one object per blob, named by its SHA-256, which is also the signed
 * payload hash, so the store itself refuses bytes that were damaged on their way. An object appears whole or not at
 * all. Requests are signed by aws4fetch (Signature Version 4); a failing store is asked again with growing pauses.
 */
import { openAsBlob } from 'node:fs';
import { PassThrough, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { messageOf } from '@alice/protocol';
import { AwsClient } from 'aws4fetch';
import { ServerError } from '../errors.js';
import { BLOB_HASH, type BlobStore, contentHash, corruptBlob, missingBlob } from './BlobStore.js';
import { refusedBy, unreachable } from './s3Errors.js';
import { putInParts } from './s3Parts.js';

export interface S3Options {
  /** Endpoint and bucket, path style: `https://host/bucket`. */
  readonly bucketUrl: string;
  /** Empty, or ending in a slash. */
  readonly prefix: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string | undefined;
  /** Larger files are sent in parts of so many bytes, at least 5 MiB; 64 MiB when left out. */
  readonly partBytes?: number;
}

const ATTEMPTS = 6;
const ANSWER_TIMEOUT_MS = 60_000;
const FIRST_PAUSE_MS = 100;
const PART_BYTES = 2 ** 26;

export function openS3BlobStore(options: S3Options): BlobStore {
  const { sessionToken, accessKeyId, secretAccessKey, region, partBytes = PART_BYTES } = options;
  const keys = { accessKeyId, secretAccessKey, region, ...(sessionToken ? { sessionToken } : {}) };
  const client = new AwsClient({ ...keys, service: 's3', retries: 0 });
  const urlOf = (hash: string): string => {
    if (!BLOB_HASH.test(hash)) throw missingBlob(hash);
    return `${options.bucketUrl}/${options.prefix}${hash.slice(2)}`;
  };
  const ask = (url: string, init: RequestInit = {}) => request(client, url, init);
  const sizeBytes = async (hash: string): Promise<number | undefined> => {
    if (!BLOB_HASH.test(hash)) return undefined;
    const answer = await ask(urlOf(hash), { method: 'HEAD' });
    return answer.status === 404 ? undefined : Number(answer.headers.get('content-length') ?? 0);
  };

  return {
    sizeBytes,
    has: async (hash) => (await sizeBytes(hash)) !== undefined,
    async put(bytes) {
      const hash = contentHash(bytes);
      if ((await sizeBytes(hash)) !== bytes.length) {
        const headers = { 'x-amz-content-sha256': hash.slice(2), 'content-length': String(bytes.length) };
        const answer = await ask(urlOf(hash), {
          method: 'PUT',
          body: bytes as Uint8Array<ArrayBuffer>,
          headers,
        });
        await answer.body?.cancel();
      }
      return { hash, sizeBytes: bytes.length };
    },
    async adopt(path, { hash, sizeBytes: size }) {
      if ((await sizeBytes(hash)) === size) return;
      if (size > partBytes) {
        await putInParts(ask, { url: urlOf(hash), path, hash, sizeBytes: size, partBytes });
        return;
      }
      const headers = { 'x-amz-content-sha256': hash.slice(2), 'content-length': String(size) };
      const answer = await ask(urlOf(hash), {
        method: 'PUT',
        headers,
        // Read from disk as it goes out, and again for each try.
        ...(size > 0 ? { body: await openAsBlob(path) } : {}),
      });
      await answer.body?.cancel();
    },
    async get(hash) {
      const answer = await ask(urlOf(hash));
      if (answer.status === 404) throw missingBlob(hash);
      const bytes = await bodyOf(answer);
      const actual = contentHash(bytes);
      if (actual !== hash) throw corruptBlob(hash, actual);
      return bytes;
    },
    async readInto(hash, from, into) {
      const range = `bytes=${from}-${from + into.length - 1}`;
      const answer = await ask(urlOf(hash), { headers: { range } });
      if (answer.status === 404) throw missingBlob(hash);
      const bytes = await bodyOf(answer);
      if (bytes.length !== into.length) throw corruptBlob(hash, `${from + bytes.length} bytes`);
      into.set(bytes);
    },
    async delete(hash) {
      const answer = await ask(urlOf(hash), { method: 'DELETE' });
      await answer.body?.cancel();
    },
    stream(hash, { from, to }) {
      const out = new PassThrough();
      void ask(urlOf(hash), { headers: { range: `bytes=${from}-${to}` } })
        .then((answer) => {
          if (answer.status === 404 || !answer.body) throw missingBlob(hash);
          return pipeline(Readable.fromWeb(answer.body as never), out);
        })
        .catch((error: unknown) => out.destroy(error instanceof Error ? error : new Error(messageOf(error))));
      return out;
    },
    list: (beforeMs = Number.POSITIVE_INFINITY) => listAll(ask, options, beforeMs),
  };
}

const KEEPS: ReadonlySet<string> = new Set(['PUT', 'POST']);

/**
 * One signed request, repeated while the store is away or overloaded. 404 answers a question; where something was to be kept it
 * says that nothing was (no such bucket, no such upload), and throws like other refusals.
 */
async function request(client: AwsClient, url: string, init: RequestInit): Promise<Response> {
  for (let attempt = 1; ; attempt++) {
    let reason: string;
    try {
      const answer = await client.fetch(url, { ...init, signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
      if (answer.ok || (answer.status === 404 && !KEEPS.has(init.method ?? 'GET'))) return answer;
      reason = `${answer.status} ${/<Code>([^<]{1,60})/.exec(await answer.text())?.[1] ?? ''}`.trim();
      if (answer.status < 500 && answer.status !== 429 && answer.status !== 408) throw refusedBy(reason);
    } catch (error) {
      if (error instanceof ServerError) throw error;
      reason = messageOf((error as { cause?: unknown }).cause ?? error);
    }
    if (attempt >= ATTEMPTS) throw unreachable(reason);
    await new Promise((resolve) => setTimeout(resolve, FIRST_PAUSE_MS * 2 ** attempt * Math.random()));
  }
}

/** The whole body; a connection that breaks meanwhile is a store that is away. */
async function bodyOf(answer: Response): Promise<Uint8Array> {
  try {
    return new Uint8Array(await answer.arrayBuffer());
  } catch (error) {
    throw unreachable(messageOf(error));
  }
}

/** ListObjectsV2, a thousand names a page. */
async function listAll(
  ask: (url: string) => Promise<Response>,
  { bucketUrl, prefix }: S3Options,
  beforeMs: number,
): Promise<string[]> {
  const hashes: string[] = [];
  for (let token: string | undefined, isFirst = true; isFirst || token !== undefined; isFirst = false) {
    const query = new URLSearchParams({ 'list-type': '2', prefix });
    if (token !== undefined) query.set('continuation-token', token);
    const answer = await ask(`${bucketUrl}?${query}`);
    if (answer.status === 404) throw refusedBy('404 NoSuchBucket');
    const text = await answer.text();
    for (const [, entry = ''] of text.matchAll(/<Contents>(.*?)<\/Contents>/gs)) {
      const hash = `0x${element(entry, 'Key')?.slice(prefix.length)}`;
      const storedMs = Date.parse(element(entry, 'LastModified') ?? '');
      if (BLOB_HASH.test(hash) && storedMs < beforeMs) hashes.push(hash);
    }
    token = element(text, 'NextContinuationToken');
  }
  return hashes;
}

function element(xml: string, name: string): string | undefined {
  const text = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];
  return text?.replaceAll('&quot;', '"').replaceAll('&amp;', '&');
}
