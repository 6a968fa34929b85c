/**
 * @file The server's state: PostgreSQL spoken through a small interface. Embedded it is PGlite (Postgres compiled to
 * WebAssembly, in this process, files in one folder); by URL it is a PostgreSQL server that several nodes share. One
 * dialect, one set of migrations, one set of tests for both. A commit that was acknowledged survives `kill -9`.
 */
import { errorCodeOf } from '@alice/protocol';
import { ServerError } from '../errors.js';
import { openEmbedded } from './embedded.js';
import { migrate } from './migrate.js';
import { openPostgres } from './postgres.js';

export type SqlValue = string | number | bigint | boolean | null | readonly (string | number)[];

/** Runs one statement; `$1`… are bound from `values`. `BIGINT` columns come back as numbers. */
export interface Queryable {
  query<Row>(sql: string, values?: readonly SqlValue[]): Promise<Row[]>;
}

export interface Database extends Queryable {
  /**
   * Runs `work` in one transaction: all of it is committed, or nothing when it throws. On a shared database `work` may
   * run again after a conflict or a lost connection, so it changes nothing outside the database. An `urgent` one is short
   * and somebody waits for it: the embedded database, which runs one after another, takes it before those that wait.
   */
  transaction<T>(work: (tx: Queryable) => Promise<T>, options?: { readonly urgent?: boolean }): Promise<T>;
  close(): Promise<void>;
  /** What only a database of several nodes has; undefined for the embedded one. */
  readonly shared?: SharedDatabase | undefined;
}

export interface SharedDatabase {
  /** Tells every node, this one included, that something happened. Best effort: a lost notice costs only time. */
  notify(topic: string): void;
  /** Calls `listener` with each topic until the database closes; reconnects by itself. */
  listen(listener: (topic: string) => void): void;
  /** A session lock on `name`, or undefined while another node holds it. `lost` ends when the session does. */
  lock(name: string): Promise<SessionLock | undefined>;
  /** Connections open and waiting requests, for the metrics. */
  load(): { readonly connections: number; readonly waiting: number };
}

export interface SessionLock {
  readonly lost: AbortSignal;
  release(): Promise<void>;
}

/** A database that has not been migrated yet; `exec` runs several statements without values. */
export interface Engine extends Database {
  migration(work: (run: { exec(sql: string): Promise<void> } & Queryable) => Promise<void>): Promise<void>;
}

/**
 * Opens (or makes) the database at `url`, or the embedded one in `dir`, and brings its tables up to date. Throws
 * `SERVER_DIR_TOO_NEW`, `DATABASE_URL_INVALID`, `DATABASE_UNREACHABLE`.
 */
export async function openDatabase(dir: string, url?: string): Promise<Database> {
  const engine = url === undefined ? await openEmbedded(dir) : openPostgres(url);
  try {
    await migrate(engine, url === undefined ? `the folder ${dir}` : 'the database', dir);
    return engine;
  } catch (error) {
    await engine.close();
    throw errorCodeOf(error) === 'DATABASE_UNREACHABLE' && url !== undefined
      ? awayAtStart(url, error)
      : error;
  }
}

/** At a start nobody is told to send again: the operator who gave the URL reads this. The password stays out. */
function awayAtStart(url: string, cause: unknown): ServerError {
  const { host, searchParams } = new URL(url);
  const place = host || searchParams.get('host') || 'localhost'; // ?host= names the folder of a socket
  return new ServerError(
    { code: 'DATABASE_UNREACHABLE', retryAfterMs: 2_000 },
    `no PostgreSQL server answers at ${place}: check that it runs and lets this machine in, and host and port in --database or ALICE_DATABASE_URL`,
    { cause },
  );
}
