/** @file Facts about the whole folder: whose network it belongs to, its secret, when it began. One value a key. */
import type { Queryable } from '../database/Database.js';

export async function readMeta(db: Queryable): Promise<Map<string, string>> {
  const rows = await db.query<{ key: string; value: string }>('SELECT key, value FROM meta');
  return new Map(rows.map(({ key, value }) => [key, value]));
}

export async function writeMeta(db: Queryable, entries: Readonly<Record<string, string>>): Promise<void> {
  for (const [key, value] of Object.entries(entries))
    await db.query(
      'INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value',
      [key, value],
    );
}
