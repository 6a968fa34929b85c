/** @file Counts of refused requests by code, kept in memory and added to the database now and then and on close. */
import type { Database } from '../database/Database.js';

export interface RefusalCounter {
  count(code: string): void;
  /** Adds what was counted since the last flush; a kill in between loses only those. */
  flush(): Promise<void>;
  /** Totals, unflushed ones included. */
  totals(): Promise<Record<string, number>>;
}

// Codes are ours or a library's, so their number is small; this bounds it should that ever be wrong.
const MAX_CODES = 200;

export function createRefusalCounter(db: Database): RefusalCounter {
  let pending = new Map<string, number>();
  return {
    count(code) {
      const key = pending.has(code) || pending.size < MAX_CODES ? code : 'OTHER';
      pending.set(key, (pending.get(key) ?? 0) + 1);
    },
    async flush() {
      if (pending.size === 0) return;
      const counted = pending;
      pending = new Map();
      try {
        await db.transaction(async (tx) => {
          for (const [code, count] of counted)
            await tx.query(
              `INSERT INTO refusals (code, count) VALUES ($1, $2)
               ON CONFLICT (code) DO UPDATE SET count = refusals.count + EXCLUDED.count`,
              [code, count],
            );
        });
      } catch (error) {
        for (const [code, count] of counted) pending.set(code, (pending.get(code) ?? 0) + count);
        throw error;
      }
    },
    async totals() {
      const rows = await db.query<{ code: string; count: number }>(
        'SELECT code, count FROM refusals ORDER BY code',
      );
      const totals = Object.fromEntries(rows.map(({ code, count }) => [code, count]));
      for (const [code, count] of pending) totals[code] = (totals[code] ?? 0) + count;
      return totals;
    },
  };
}
