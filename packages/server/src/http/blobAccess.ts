/**
 * @file Who may read which blob: members the snapshots and set-deltas of published versions, scorers also submissions
 * and candidates. Masters and anything unknown look the same from outside: not found.
 */
import type { ServerContext } from '../context.js';
import { ServerError } from '../errors.js';
import type { Member } from '../state/members.js';

const PUBLISHED = `
  SELECT 1 FROM versions WHERE set_delta ->> 'hash' = $1
    OR snapshot @> jsonb_build_object('chunks', jsonb_build_array(jsonb_build_object('hash', $1::text))) LIMIT 1`;
const FOR_SCORERS = 'SELECT 1 FROM jobs WHERE blob @> jsonb_build_object($$hash$$, $1::text) LIMIT 1';

export async function blobFor(
  { db, blobs }: ServerContext,
  member: Member,
  hash: string,
): Promise<{ kind: 'blob'; hash: string; sizeBytes: number }> {
  const sizeBytes = blobs.sizeBytes(hash);
  const isReadable =
    sizeBytes !== undefined &&
    ((await db.query(PUBLISHED, [hash])).length > 0 ||
      (member.role === 'scorer' && (await db.query(FOR_SCORERS, [hash])).length > 0));
  if (!isReadable)
    throw new ServerError({ code: 'NOT_FOUND' }, 'there is no such blob, or it has been pruned');
  return { kind: 'blob', hash, sizeBytes };
}
