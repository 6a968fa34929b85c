/**
 * @file The byte quota of the blob store: when what is referred to exceeds it, the oldest set-deltas and submissions go
 * before their time, version by version. Weights, the last versions and whatever is not paid yet stay; if they alone are
 * too much, an alarm says so.
 */
import type { ServerContext } from '../context.js';
import type { Queryable } from '../database/Database.js';
import { type BlobUse, forgetBlobUse, loadBlobUse, saveBlobUse } from '../state/blobUse.js';
import type { BlobStore } from './BlobStore.js';

/**
 * Of so many newest versions everything stays: the one that is trained on, the one before, whose late work is still merged,
 * and the one whose receipts have just become public, so that anybody can check them.
 */
const VERSIONS_NEEDED = 3;

/**
 * Of each blob that some row refers to, its size; epochs say no size. A candidate is left out: it is there while it is
 * scored, and then in the place of weights that go, so nothing has to go for it.
 */
const SIZES = `
  SELECT master ->> 'hash' AS hash, (master ->> 'sizeBytes')::bigint AS bytes FROM versions
  UNION SELECT set_delta ->> 'hash', (set_delta ->> 'sizeBytes')::bigint FROM versions
  UNION SELECT chunk ->> 'hash', (chunk ->> 'sizeBytes')::bigint
    FROM versions, jsonb_array_elements(snapshot -> 'chunks') AS chunk
  UNION SELECT blob_hash, size_bytes FROM submissions WHERE blob_kept
  UNION SELECT blob ->> 'hash', (blob ->> 'sizeBytes')::bigint FROM region_rounds
  UNION SELECT residual ->> 'hash', (residual ->> 'sizeBytes')::bigint FROM region_rounds`;

/**
 * Submissions whose bytes nobody needs: decided and part of a version, or refused; paid by a settled epoch where there is
 * something to pay ($2: a region, whose upstream pays); not being scored.
 */
const PRUNABLE = `
  s.version <= $1 AND s.blob_kept AND (s.stage = 'merged' OR s.status = 'refused')
  AND ($2 OR s.score = 0 OR EXISTS (SELECT 1 FROM epochs AS e WHERE e.epoch = s.epoch AND e.status = 'settled'))
  AND NOT EXISTS (SELECT 1 FROM jobs AS j WHERE j.blob ->> 'hash' = s.blob_hash AND j.status <> 'done')`;

/** `remove` deletes the blobs that no row refers to; returns how many went. */
export async function keepBlobQuota(
  context: ServerContext,
  latest: number,
  remove: (hashes: readonly string[]) => Promise<number>,
): Promise<number> {
  const { db, options, log } = context;
  const { blobQuotaBytes: quotaBytes } = options;
  if (quotaBytes === undefined) {
    await forgetBlobUse(db);
    return 0;
  }
  const limits = { newest: latest - VERSIONS_NEEDED, isRegion: options.upstream !== undefined };
  let usedBytes = await referredBytes(context);
  let removed = 0;
  if (usedBytes > quotaBytes) {
    const upTo = await versionToPrune(db, usedBytes - quotaBytes, limits);
    removed = await remove(await db.transaction((tx) => drop(tx, upTo, limits.isRegion)));
    usedBytes = await referredBytes(context);
    log.info('Pruned for the blob quota', { removed, upToVersion: upTo, usedBytes, quotaBytes });
  }
  await note(context, { usedBytes, quotaBytes });
  return removed;
}

async function note(context: ServerContext, use: BlobUse): Promise<void> {
  const { db, log, now } = context;
  const isOver = use.usedBytes > use.quotaBytes;
  const before = await loadBlobUse(db);
  const overSinceMs = isOver ? (before?.overSinceMs ?? now()) : undefined;
  if (isOver && before?.overSinceMs === undefined)
    log.warn('Blobs exceed their quota and nothing is left to prune: raise it', { ...use });
  await saveBlobUse(db, { ...use, overSinceMs }, now());
}

/** Sizes of the epochs' leaves, which never change, so that a store is asked once for each. */
const leafBytes = new WeakMap<BlobStore, Map<string, number>>();

async function referredBytes({ db, blobs }: Pick<ServerContext, 'db' | 'blobs'>): Promise<number> {
  const [row] = await db.query<{ n: number | null }>(
    `SELECT SUM(bytes)::bigint AS n FROM (${SIZES}) AS sizes`,
  );
  const known = leafBytes.get(blobs) ?? new Map<string, number>();
  leafBytes.set(blobs, known);
  let bytes = row?.n ?? 0;
  for (const { hash } of await db.query<{ hash: string }>(
    `SELECT DISTINCT receipts_hash AS hash FROM epochs WHERE receipts_hash <> ''`,
  )) {
    if (!known.has(hash)) known.set(hash, (await blobs.sizeBytes(hash)) ?? 0);
    bytes += known.get(hash)!;
  }
  return bytes;
}

interface Limits {
  /** Newest version that may be touched. */
  readonly newest: number;
  readonly isRegion: boolean;
}

/** The oldest version up to which pruning frees so many bytes; the newest allowed when none does. */
async function versionToPrune(
  db: Queryable,
  excessBytes: number,
  { newest, isRegion }: Limits,
): Promise<number> {
  const rows = await db.query<{ version: number; bytes: number }>(
    `SELECT version, SUM(bytes)::bigint AS bytes FROM (
       SELECT version, (set_delta ->> 'sizeBytes')::bigint AS bytes FROM versions
       WHERE version <= $1 AND set_delta IS NOT NULL
       UNION ALL SELECT s.version, s.size_bytes FROM submissions AS s WHERE ${PRUNABLE}
     ) AS prunable GROUP BY version ORDER BY version`,
    [newest, isRegion],
  );
  let left = excessBytes;
  for (const { version, bytes } of rows) {
    left -= bytes;
    if (left <= 0) return version;
  }
  return newest;
}

async function drop(tx: Queryable, upTo: number, isRegion: boolean): Promise<string[]> {
  const deltas = await tx.query<{ hash: string }>(
    `UPDATE versions AS v SET set_delta = NULL FROM versions AS old
     WHERE old.version = v.version AND v.version <= $1 AND v.set_delta IS NOT NULL
     RETURNING old.set_delta ->> 'hash' AS hash`,
    [upTo],
  );
  const submissions = await tx.query<{ hash: string }>(
    `UPDATE submissions AS s SET blob_kept = FALSE WHERE ${PRUNABLE} RETURNING s.blob_hash AS hash`,
    [upTo, isRegion],
  );
  return [...deltas, ...submissions].map(({ hash }) => hash);
}
