/**
 * @file Who may read which blob: anyone the snapshots and set-deltas of published versions, scorers also submissions
 * and candidates. Masters and anything unknown look the same from outside: not found.
 */
import type { ServerContext } from '../context.js';
import { ServerError } from '../errors.js';
import { createLru } from '../lru.js';
import type { Member } from '../state/members.js';

const PUBLISHED = `
  SELECT 1 FROM versions WHERE set_delta ->> 'hash' = $1
    OR snapshot @> jsonb_build_object('chunks', jsonb_build_array(jsonb_build_object('hash', $1::text))) LIMIT 1`;
const FOR_SCORERS = `
  SELECT 1 FROM jobs WHERE blob @> jsonb_build_object('hash', $1::text)
  UNION SELECT 1 FROM rounds WHERE status = 'candidate' AND candidate -> 'setDelta' = 'null'::jsonb
    AND candidate -> 'snapshot' @> jsonb_build_object('chunks', jsonb_build_array(jsonb_build_object('hash', $1::text)))`;

/** Published blobs found once are remembered; what has been pruned is recognised by its missing file. */
const REMEMBERED = 4_096;

export interface BlobAccess {
  /** Throws `NOT_FOUND`. */
  open(member: Member | undefined, hash: string): Promise<{ kind: 'blob'; hash: string; sizeBytes: number }>;
}

export function createBlobAccess({ db, blobs }: Pick<ServerContext, 'db' | 'blobs'>): BlobAccess {
  const published = createLru<string, true>(REMEMBERED);
  const isPublished = async (hash: string): Promise<boolean> => {
    if (published.get(hash)) return true;
    const isFound = (await db.query(PUBLISHED, [hash])).length > 0;
    if (isFound) published.set(hash, true);
    return isFound;
  };
  return {
    async open(member, hash) {
      const sizeBytes = await blobs.sizeBytes(hash);
      const isReadable =
        sizeBytes !== undefined &&
        ((await isPublished(hash)) ||
          (member?.role === 'scorer' && (await db.query(FOR_SCORERS, [hash])).length > 0));
      if (!isReadable)
        throw new ServerError({ code: 'NOT_FOUND' }, 'there is no such blob, or it has been pruned');
      return { kind: 'blob', hash, sizeBytes };
    },
  };
}
