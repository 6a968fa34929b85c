/**
 * @file The server's state: PostgreSQL spoken through a two-method interface, embedded as PGlite (Postgres compiled to
 * WebAssembly, in this process, files in one folder). Plain PostgreSQL SQL only, so that a server can take its place.
 * A commit that was acknowledged survives `kill -9`; a half-made first folder is thrown away and made again.
 */
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { PGlite, types } from '@electric-sql/pglite';
import { ServerError } from '../errors.js';
import { migrations } from './migrations.js';

export type SqlValue = string | number | bigint | boolean | null | readonly (string | number)[];

/** Runs one statement; `$1`… are bound from `values`. `BIGINT` columns come back as numbers. */
export interface Queryable {
  query<Row>(sql: string, values?: readonly SqlValue[]): Promise<Row[]>;
}

export interface Database extends Queryable {
  /** Runs `work` in one transaction: all of it is committed, or nothing when it throws. */
  transaction<T>(work: (tx: Queryable) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** Opens (or makes) the database in `dir` and brings its tables up to date. Throws `SERVER_DIR_TOO_NEW`. */
export async function openDatabase(dir: string): Promise<Database> {
  const final = join(dir, 'db');
  if (!existsSync(final)) await makeDatabase(dir, final);
  const engine = await PGlite.create(final, ENGINE_OPTIONS);
  const database = wrap(engine);
  await migrate(database, engine, dir);
  return database;
}

// Counts and times stay below 2⁵³, so they are read as numbers; scores are NUMERIC and read as text.
const ENGINE_OPTIONS = { parsers: { [types.INT8]: Number } };

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

function wrap(engine: PGlite): Database {
  return {
    ...queryableOf(engine),
    transaction: (work) => engine.transaction((tx) => work(queryableOf(tx))),
    close: () => engine.close(),
  };
}

async function migrate(database: Database, engine: PGlite, dir: string): Promise<void> {
  await engine.exec('CREATE TABLE IF NOT EXISTS migrations (id INTEGER PRIMARY KEY)');
  const [row] = await database.query<{ applied: number }>('SELECT COUNT(*) AS applied FROM migrations');
  const applied = row?.applied ?? 0;
  if (applied > migrations.length)
    throw new ServerError(
      { code: 'SERVER_DIR_TOO_NEW', dir, found: applied, known: migrations.length },
      `the folder ${dir} was written by a later release: update this program, or start in another folder`,
    );
  for (const [id, sql] of migrations.entries())
    if (id >= applied)
      await engine.transaction(async (tx) => {
        await tx.exec(sql);
        await tx.query('INSERT INTO migrations (id) VALUES ($1)', [id]);
      });
}
