/** @file Banned addresses as stored. */
import type { Queryable } from '../database/Database.js';

export interface BanRow {
  readonly address: string;
  readonly reason: string;
  readonly source: string;
  readonly banned_ms: number;
}

export function listBans(db: Queryable): Promise<BanRow[]> {
  return db.query<BanRow>('SELECT * FROM bans ORDER BY banned_ms, address');
}

/** The first ban of an address stays as it is. */
export async function saveBan(
  db: Queryable,
  ban: { address: string; reason: string; source: string; nowMs: number },
): Promise<void> {
  await db.query(
    'INSERT INTO bans (address, reason, source, banned_ms) VALUES ($1, $2, $3, $4) ON CONFLICT (address) DO NOTHING',
    [ban.address, ban.reason, ban.source, ban.nowMs],
  );
}

export async function deleteBan(db: Queryable, address: string): Promise<void> {
  await db.query('DELETE FROM bans WHERE address = $1', [address]);
}
