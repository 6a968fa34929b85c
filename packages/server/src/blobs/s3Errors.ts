/** @file How an object store fails: it is away and asked again later, or it says no and somebody has to look. */
import { ServerError } from '../errors.js';

export function unreachable(reason: string): ServerError {
  return new ServerError(
    { code: 'BLOBS_UNREACHABLE', reason, retryAfterMs: 5_000 },
    'the blob store does not answer: send it again after a moment',
  );
}

export function refusedBy(reason: string): ServerError {
  return new ServerError(
    { code: 'BLOBS_REFUSED', reason },
    `the object store refuses (${reason}): check bucket, credentials and region`,
  );
}
