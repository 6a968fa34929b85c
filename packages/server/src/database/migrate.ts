/**
 * @file Brings tables up to date: each migration in a transaction of its own, under a lock, so that nodes that start at
 * the same time migrate once. Never goes back: a database of a later release is refused.
 */
import { ServerError } from '../errors.js';
import type { Engine } from './Database.js';
import { migrations } from './migrations.js';

/** Any constant will do: it only has to differ from other programs' locks in the same database. */
const MIGRATION_LOCK = 7_201_946;

/** Throws `SERVER_DIR_TOO_NEW`. */
export async function migrate(engine: Engine, place: string, dir: string): Promise<void> {
  await engine.migration(async (run) => {
    await run.query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
    await run.exec('CREATE TABLE IF NOT EXISTS migrations (id INTEGER PRIMARY KEY)');
  });
  for (const [id, sql] of migrations.entries())
    await engine.migration(async (run) => {
      await run.query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
      const [row] = await run.query<{ applied: number }>('SELECT COUNT(*) AS applied FROM migrations');
      const applied = row?.applied ?? 0;
      if (applied > migrations.length) throw tooNew(place, dir, applied);
      if (id < applied) return;
      await run.exec(sql);
      await run.query('INSERT INTO migrations (id) VALUES ($1)', [id]);
    });
}

function tooNew(place: string, dir: string, found: number): ServerError {
  return new ServerError(
    { code: 'SERVER_DIR_TOO_NEW', dir, found, known: migrations.length },
    `${place} was written by a later release: update this program, or start with another one`,
  );
}
