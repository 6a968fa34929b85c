/** @file How full the blob store is, as the leader of the rounds last counted it and every node shows it. */
import type { Queryable } from '../database/Database.js';

export interface BlobUse {
  readonly usedBytes: number;
  readonly quotaBytes: number;
  /** Since when more is used than the quota allows although nothing is left to prune. */
  readonly overSinceMs?: number | undefined;
}

const KEY = 'blobUse';

export async function saveBlobUse(db: Queryable, use: BlobUse, nowMs: number): Promise<void> {
  await db.query(
    `INSERT INTO shared_facts (key, value, updated_ms) VALUES ($1, $2, $3)
     ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value, updated_ms = EXCLUDED.updated_ms`,
    [KEY, JSON.stringify(use), nowMs],
  );
}

/** Undefined without a quota. */
export async function loadBlobUse(db: Queryable): Promise<BlobUse | undefined> {
  const [row] = await db.query<{ value: BlobUse }>('SELECT value FROM shared_facts WHERE key = $1', [KEY]);
  return row?.value;
}

export async function forgetBlobUse(db: Queryable): Promise<void> {
  await db.query('DELETE FROM shared_facts WHERE key = $1', [KEY]);
}
