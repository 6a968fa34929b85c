/**
 * @file The embedded database: PGlite in this process, files below the server's folder. One connection, so transactions
 * run one after another. A half-made first folder is thrown away and made again.
 */
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { PGlite, types } from '@electric-sql/pglite';
import type { Engine, Queryable, SqlValue } from './Database.js';

// Counts and times stay below 2⁵³, so they are read as numbers; scores are NUMERIC and read as text.
const ENGINE_OPTIONS = { parsers: { [types.INT8]: Number } };

/** Opens the database in `dir/db`, making it on the first start. */
export async function openEmbedded(dir: string): Promise<Engine> {
  const final = join(dir, 'db');
  if (!existsSync(final)) await makeDatabase(dir, final);
  const engine = await PGlite.create(final, ENGINE_OPTIONS);
  return {
    ...queryableOf(engine),
    transaction: (work) => engine.transaction((tx) => work(queryableOf(tx))),
    migration: (work) =>
      engine.transaction((tx) =>
        work({ ...queryableOf(tx), exec: async (sql) => void (await tx.exec(sql)) }),
      ),
    close: () => engine.close(),
  };
}

/** The first start builds beside the final name and renames, so a kill in between leaves nothing half-made behind. */
async function makeDatabase(dir: string, final: string): Promise<void> {
  const building = join(dir, 'db.building');
  rmSync(building, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  const engine = await PGlite.create(building);
  await engine.close();
  renameSync(building, final);
}

interface Runner {
  query(sql: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
}

function queryableOf(runner: Runner): Queryable {
  return {
    async query<Row>(sql: string, values: readonly SqlValue[] = []): Promise<Row[]> {
      return (await runner.query(sql, [...values])).rows as Row[];
    },
  };
}
