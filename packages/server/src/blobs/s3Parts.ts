/**
 * @file A file into an object store in parts (S3's multipart upload): no request is longer than one part, and a failing one is
 * repeated alone. Each part is signed with its own hash and the whole is hashed again as it is read, so the object appears,
 * whole, only with the content that its name says. A killed sender leaves parts, which a rule of the bucket removes.
 */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { toHex } from '@alice/protocol';
import { contentHash, corruptBlob } from './BlobStore.js';
import { refusedBy, unreachable } from './s3Errors.js';

type Ask = (url: string, init?: RequestInit) => Promise<Response>;

export interface PartsOfFile {
  readonly url: string;
  readonly path: string;
  readonly hash: string;
  readonly sizeBytes: number;
  readonly partBytes: number;
}

/** Throws `BLOB_CORRUPT` when the file has another content than `hash`, and what `ask` throws. */
export async function putInParts(ask: Ask, file: PartsOfFile): Promise<void> {
  const { url } = file;
  const begun = await (await ask(`${url}?uploads=`, { method: 'POST' })).text();
  const id = /<UploadId>([^<]+)</.exec(begun)?.[1];
  if (id === undefined) throw refusedBy('no upload in parts');
  const upload = `uploadId=${encodeURIComponent(id)}`;
  try {
    const tags = await sendParts(ask, file, upload);
    const parts = tags.map((tag, i) => `<Part><PartNumber>${i + 1}</PartNumber><ETag>${tag}</ETag></Part>`);
    const body = `<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`;
    const answer = await (await ask(`${url}?${upload}`, { method: 'POST', body })).text();
    // The store may only learn while it puts the parts together that it cannot: an error with status 200.
    if (!answer.includes('CompleteMultipartUploadResult'))
      throw unreachable(/<Code>([^<]{1,60})/.exec(answer)?.[1] ?? 'no answer');
  } catch (error) {
    await ask(`${url}?${upload}`, { method: 'DELETE' }).catch(() => undefined); // the reason is what counts
    throw error;
  }
}

/** Entity tags of the parts, in order. */
async function sendParts(
  ask: Ask,
  { url, path, hash, sizeBytes, partBytes }: PartsOfFile,
  upload: string,
): Promise<string[]> {
  const digest = createHash('sha256');
  const tags: string[] = [];
  const file = await open(path, 'r');
  try {
    const memory = new Uint8Array(partBytes);
    for (let from = 0; from < sizeBytes; from += partBytes) {
      const { bytesRead } = await file.read(memory, 0, Math.min(partBytes, sizeBytes - from), from);
      const part = memory.subarray(0, bytesRead);
      digest.update(part);
      const headers = {
        'x-amz-content-sha256': contentHash(part).slice(2),
        'content-length': String(part.length),
      };
      const answer = await ask(`${url}?partNumber=${tags.length + 1}&${upload}`, {
        ...{ method: 'PUT', body: part, headers },
      });
      await answer.body?.cancel();
      tags.push(answer.headers.get('etag') ?? '');
    }
  } finally {
    await file.close();
  }
  const actual = toHex(digest.digest());
  if (actual !== hash) throw corruptBlob(hash, actual);
  return tags;
}
