/**
 * @file The embedded database: PGlite in a thread of its own, files below the server's folder. One connection, so
 * transactions run one after another. A half-made first folder is thrown away and made again. Without space for its log
 * PostgreSQL gives up, so nothing is written when there is little. When it does stop, or its thread dies, what was asked
 * of it fails, and the next question opens it anew from its log, as a start after a kill would.
 */
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCodeOf } from '@alice/protocol';
import { diskFull, ServerError } from '../errors.js';
import type { Engine, Queryable, SqlValue } from './Database.js';
import { DatabaseThread } from './DatabaseThread.js';
import type { Statement } from './embeddedThread.js';
import { Turns } from './Turns.js';

/** A database that could not be opened is not tried again sooner than this. */
const REOPEN_MS = 1_000;
/** A statement that takes longer will never end: PostgreSQL without room for its log can wait for itself. */
const STATEMENT_MS = 60_000;
/** Three segments of PostgreSQL's log. With less nothing is written, since it gives up when it cannot write its log. */
const RESERVE_BYTES = 48 * 1024 * 1024;
const LOOK_MS = 200;

/** Opens the database in `dir/db`, making it on the first start. Throws `DISK_FULL`, `DATABASE_UNREACHABLE`. */
export async function openEmbedded(dir: string, { statementMs = STATEMENT_MS } = {}): Promise<Engine> {
  const final = join(dir, 'db');
  if (!existsSync(final)) await makeDatabase(dir, final);
  const database = new EmbeddedDatabase(final, statementMs);
  await database.alone(async () => undefined);
  return {
    query: (sql, values) =>
      database.alone(async (thread) => {
        if (!/^\s*SELECT\b/i.test(sql)) await database.checkSpace();
        return statements((asked) => thread.call('query', asked)).query(sql, values);
      }),
    transaction: (work, options) =>
      database.alone(async (thread) => {
        await database.checkSpace();
        return inTransaction(thread, work);
      }, options),
    migration: (work) =>
      database.alone((thread) =>
        inTransaction(thread, (tx) => work({ ...tx, exec: (sql) => thread.call('exec', sql) })),
      ),
    close: () => database.close(),
  };
}

/** The first start builds beside the final name and renames, so a kill in between leaves nothing half-made behind. */
async function makeDatabase(dir: string, final: string): Promise<void> {
  const building = join(dir, 'db.building');
  rmSync(building, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  await checkSpace(dir);
  await (await DatabaseThread.open(building, STATEMENT_MS)).close();
  renameSync(building, final);
}

async function checkSpace(folder: string): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize < RESERVE_BYTES) throw diskFull(undefined);
}

type Run = (statements: readonly Statement[]) => Promise<unknown[][]>;

function statements(run: Run): Queryable {
  return {
    query: async <Row>(sql: string, values: readonly SqlValue[] = []) =>
      (await run([{ sql, values }]))[0] as Row[],
  };
}

/**
 * All of it in one thread: after a stop in between, nothing more of it reaches the database that is opened next. It begins
 * on the way of its first statement, since every way there and back waits for whatever else goes on here.
 */
async function inTransaction<T>(thread: DatabaseThread, work: (tx: Queryable) => Promise<T>): Promise<T> {
  const say: Run = (asked) => thread.call('query', asked);
  let hasBegun = false;
  const run: Run = async (asked) => {
    if (hasBegun) return say(asked);
    hasBegun = true;
    return (await say([{ sql: 'BEGIN' }, ...asked])).slice(1);
  };
  try {
    const result = await work(statements(run));
    if (hasBegun) await say([{ sql: 'COMMIT' }]);
    return result;
  } catch (error) {
    if (hasBegun) await say([{ sql: 'ROLLBACK' }]).catch(() => undefined); // fails only with a dead thread
    throw error;
  }
}

class EmbeddedDatabase {
  readonly #folder: string;
  #thread: DatabaseThread | undefined;
  #failed: { readonly error: unknown; readonly atMs: number } | undefined;
  readonly #turns = new Turns();
  #isClosed = false;
  #lookedMs = Number.NEGATIVE_INFINITY;
  readonly #statementMs: number;

  constructor(folder: string, statementMs: number) {
    this.#folder = folder;
    this.#statementMs = statementMs;
  }

  /** Throws `DISK_FULL`. */
  async checkSpace(): Promise<void> {
    if (performance.now() - this.#lookedMs < LOOK_MS) return;
    await checkSpace(this.#folder);
    this.#lookedMs = performance.now();
  }

  /** Runs `work` alone: statements of two transactions never mix. */
  alone<T>(work: (thread: DatabaseThread) => Promise<T>, { urgent = false } = {}): Promise<T> {
    return this.#turns.take(async () => {
      const thread = await this.#running();
      try {
        return await work(thread);
      } catch (error) {
        throw await this.#sorted(error, thread);
      }
    }, urgent);
  }

  /** After what was asked before. */
  close(): Promise<void> {
    return this.#turns.take(async () => {
      this.#isClosed = true;
      await this.#thread?.close();
      this.#thread = undefined;
    }, false);
  }

  async #running(): Promise<DatabaseThread> {
    if (this.#thread) return this.#thread;
    if (this.#isClosed) throw new ServerError({ code: 'SERVER_CLOSED' }, 'the database is closed');
    if (this.#failed && performance.now() - this.#failed.atMs < REOPEN_MS) throw this.#failed.error;
    try {
      await checkSpace(this.#folder);
      this.#thread = await DatabaseThread.open(this.#folder, this.#statementMs);
    } catch (error) {
      this.#failed = { error: stopped(error), atMs: performance.now() };
      throw this.#failed.error;
    }
    this.#failed = undefined;
    return this.#thread;
  }

  /** What the caller is told; a database that stopped is left behind. */
  async #sorted(error: unknown, thread: DatabaseThread): Promise<unknown> {
    const code = errorCodeOf(error);
    if (code === 'DISK_FULL') return diskFull(error);
    if (code !== 'DATABASE_STOPPED' && code !== 'THREAD_ENDED') return error;
    if (this.#thread === thread) this.#thread = undefined;
    await thread.end(); // two of them must never work in one folder
    return stopped(error);
  }
}

function stopped(cause: unknown): ServerError {
  const { code, isFull } = ((cause as { info?: unknown }).info ?? {}) as { code?: string; isFull?: boolean };
  if (isFull || code === 'DISK_FULL') return diskFull(cause);
  return new ServerError(
    { code: 'DATABASE_UNREACHABLE', retryAfterMs: 2_000 },
    'the database stopped and is opened again: send it again after a moment',
    { cause },
  );
}
