/**
 * @file Where blobs are kept: a folder, or an S3-compatible object store by URL. Credentials are read from the
 * environment here and nowhere else; they are never part of the address, so that an address may be logged.
 */
import { fileURLToPath } from 'node:url';
import { ServerError } from '../errors.js';
import { type BlobStore, openFolderBlobStore } from './BlobStore.js';
import { openS3BlobStore } from './s3BlobStore.js';

/**
 * A store at `location`: a folder, `file:///folder`, or `s3://BUCKET[/PREFIX]?endpoint=https://HOST[&region=NAME]` with
 * AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment. Temporary files of a folder are removed only when
 * `sweep` says that nobody else writes there. Throws `BLOBS_URL_INVALID`, `BLOBS_CREDENTIALS_MISSING`.
 */
export function openBlobStore(
  location: string,
  { sweep = false } = {},
): BlobStore & { readonly orphans: number } {
  if (!location.startsWith('s3://'))
    return openFolderBlobStore(location.startsWith('file:') ? fileURLToPath(location) : location, {
      keepTemporaries: !sweep,
    });
  const url = parse(location);
  const endpoint = url?.searchParams.get('endpoint') ?? 'https://s3.amazonaws.com';
  if (!url?.hostname || url.username !== '' || !/^https?:\/\//.test(endpoint))
    throw new ServerError(
      { code: 'BLOBS_URL_INVALID' },
      'an object store is given as s3://BUCKET/PREFIX?endpoint=https://HOST&region=NAME, credentials in the environment',
    );
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = process.env;
  if (!accessKeyId || !secretAccessKey)
    throw new ServerError(
      { code: 'BLOBS_CREDENTIALS_MISSING' },
      'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for the object store',
    );
  const prefix = url.pathname.replace(/^\/+|\/+$/g, '');
  const store = openS3BlobStore({
    bucketUrl: `${endpoint.replace(/\/+$/, '')}/${url.hostname}`,
    prefix: prefix === '' ? '' : `${prefix}/`,
    region: url.searchParams.get('region') ?? process.env['AWS_REGION'] ?? 'us-east-1',
    accessKeyId,
    secretAccessKey,
    sessionToken: process.env['AWS_SESSION_TOKEN'],
  });
  return { ...store, orphans: 0 };
}

function parse(location: string): URL | undefined {
  try {
    return new URL(location);
  } catch {
    return undefined;
  }
}
