/**
 * @file Bounds what a long-running server keeps: first the rows stop referring to old bytes, then the bytes go. A kill
 * in between leaves blobs nobody refers to; `removeOrphans` finds them at the next start.
 */
import type { ServerContext } from '../context.js';
import type { Queryable } from '../database/Database.js';
import { latestVersion } from '../state/versions.js';
import { dropRegionBlobs } from '../upstream/regionRounds.js';
import type { BlobStore } from './BlobStore.js';
import { keepBlobQuota } from './blobQuota.js';

/** Every blob that some row refers to. */
export const REFERENCED = `
  SELECT master ->> 'hash' AS hash FROM versions WHERE master IS NOT NULL
  UNION SELECT set_delta ->> 'hash' FROM versions WHERE set_delta IS NOT NULL
  UNION SELECT chunk ->> 'hash' FROM versions, jsonb_array_elements(snapshot -> 'chunks') AS chunk
    WHERE snapshot IS NOT NULL
  UNION SELECT candidate -> 'master' ->> 'hash' FROM rounds WHERE status = 'candidate'
  UNION SELECT candidate -> 'setDelta' ->> 'hash' FROM rounds WHERE status = 'candidate'
  UNION SELECT chunk ->> 'hash' FROM rounds, jsonb_array_elements(candidate -> 'snapshot' -> 'chunks') AS chunk
    WHERE status = 'candidate'
  UNION SELECT blob_hash FROM submissions WHERE blob_kept
  UNION SELECT receipts_hash FROM epochs
  UNION SELECT blob ->> 'hash' FROM region_rounds WHERE blob IS NOT NULL
  UNION SELECT residual ->> 'hash' FROM region_rounds WHERE residual IS NOT NULL`;

/** Prunes what the limits and the quota no longer keep; returns how many blobs went. */
export async function collectGarbage(context: ServerContext): Promise<number> {
  const { db, limits, blobs } = context;
  const latest = (await latestVersion(db))!.version;
  const dropped = await db.transaction(async (tx) => [
    ...(await dropSnapshots(tx, latest - limits.snapshotsKept)),
    ...(await dropMasters(tx, latest - Math.max(1, limits.mastersKept))),
    ...(await dropSetDeltas(tx, latest - limits.setDeltasKept)),
    ...(await dropSubmissions(tx, latest - limits.submissionVersionsKept)),
    ...(await dropCandidates(tx)),
    ...(await dropRegionBlobs(tx)),
  ]);
  const remove = (hashes: readonly string[]) => removeUnreferenced(db, blobs, hashes);
  return (await remove(dropped)) + (await keepBlobQuota(context, latest, remove));
}

/** Removes every blob no row refers to: at start, when nothing is being stored, or those stored before `beforeMs`. */
export async function removeOrphans(db: Queryable, blobs: BlobStore, beforeMs?: number): Promise<number> {
  return removeUnreferenced(db, blobs, await blobs.list(beforeMs));
}

async function removeUnreferenced(
  db: Queryable,
  blobs: BlobStore,
  hashes: readonly string[],
): Promise<number> {
  if (hashes.length === 0) return 0;
  const kept = new Set((await db.query<{ hash: string | null }>(REFERENCED)).map(({ hash }) => hash));
  const gone = [...new Set(hashes)].filter((hash) => !kept.has(hash));
  for (const hash of gone) await blobs.delete(hash);
  return gone.length;
}

interface Hashes {
  readonly hash: string | null;
  readonly chunks?: { readonly hash: string }[] | null;
}

const hashesOf = (rows: readonly Hashes[]): string[] =>
  rows.flatMap(({ hash, chunks }) => [...(hash ? [hash] : []), ...(chunks ?? []).map((chunk) => chunk.hash)]);

async function dropSnapshots(tx: Queryable, upTo: number): Promise<string[]> {
  const rows = await tx.query<Hashes>(
    `SELECT NULL AS hash, snapshot -> 'chunks' AS chunks FROM versions WHERE version <= $1 AND snapshot IS NOT NULL`,
    [upTo],
  );
  await tx.query('UPDATE versions SET snapshot = NULL WHERE version <= $1 AND snapshot IS NOT NULL', [upTo]);
  return hashesOf(rows);
}

async function dropMasters(tx: Queryable, upTo: number): Promise<string[]> {
  const rows = await tx.query<Hashes>(
    `SELECT master ->> 'hash' AS hash FROM versions WHERE version <= $1 AND master IS NOT NULL`,
    [upTo],
  );
  await tx.query('UPDATE versions SET master = NULL WHERE version <= $1 AND master IS NOT NULL', [upTo]);
  return hashesOf(rows);
}

async function dropSetDeltas(tx: Queryable, upTo: number): Promise<string[]> {
  const rows = await tx.query<Hashes>(
    `SELECT set_delta ->> 'hash' AS hash FROM versions WHERE version <= $1 AND set_delta IS NOT NULL`,
    [upTo],
  );
  await tx.query('UPDATE versions SET set_delta = NULL WHERE version <= $1 AND set_delta IS NOT NULL', [
    upTo,
  ]);
  return hashesOf(rows);
}

/** Submissions of long settled rounds keep their row; bytes, jobs and tasks go. */
async function dropSubmissions(tx: Queryable, upTo: number): Promise<string[]> {
  const rows = await tx.query<Hashes>(
    `UPDATE submissions SET blob_kept = FALSE WHERE version <= $1 AND blob_kept AND (stage = 'merged' OR status = 'refused')
     RETURNING blob_hash AS hash`,
    [upTo],
  );
  await tx.query(`DELETE FROM jobs WHERE version <= $1 AND status = 'done'`, [upTo]);
  await tx.query(`DELETE FROM batches WHERE version > 0 AND version <= $1`, [upTo]);
  await tx.query(`DELETE FROM tasks WHERE version <= $1 AND status <> 'open'`, [upTo]);
  return hashesOf(rows);
}

/** What rolled back rounds had built; an applied candidate's blobs belong to its version now. */
async function dropCandidates(tx: Queryable): Promise<string[]> {
  const rows = await tx.query<Hashes & { set_delta: string | null }>(
    `SELECT candidate -> 'master' ->> 'hash' AS hash, candidate -> 'setDelta' ->> 'hash' AS set_delta,
       candidate -> 'snapshot' -> 'chunks' AS chunks
     FROM rounds WHERE candidate IS NOT NULL AND closed_ms IS NOT NULL`,
  );
  await tx.query('UPDATE rounds SET candidate = NULL WHERE candidate IS NOT NULL AND closed_ms IS NOT NULL');
  return [...hashesOf(rows), ...rows.flatMap(({ set_delta }) => set_delta ?? [])];
}
