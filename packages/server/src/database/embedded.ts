/**
 * @file The embedded database: PGlite in a thread of its own, files below the server's folder. One connection, so
 * transactions run one after another. A half-made first folder is thrown away and made again. When the thread dies the
 * process ends with it: nothing can be acknowledged any more, and the next start finds all that was.
 */
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { PortCalls, portOfThread } from '@alice/protocol';
import type { Engine, Queryable, SqlValue } from './Database.js';
import type { EmbeddedCalls } from './embeddedThread.js';

/** Opens the database in `dir/db`, making it on the first start. */
export async function openEmbedded(dir: string): Promise<Engine> {
  const final = join(dir, 'db');
  if (!existsSync(final)) await makeDatabase(dir, final);
  const thread = await EmbeddedThread.open(final);
  const exec = (sql: string): Promise<void> => thread.call('exec', sql);
  const inside: Queryable = {
    query: async <Row>(sql: string, values: readonly SqlValue[] = []) =>
      (await thread.call('query', { sql, values })) as Row[],
  };
  const inTransaction = <T>(work: () => Promise<T>): Promise<T> =>
    thread.alone(async () => {
      await exec('BEGIN');
      try {
        const result = await work();
        await exec('COMMIT');
        return result;
      } catch (error) {
        await exec('ROLLBACK').catch(() => undefined); // fails only with a dead thread
        throw error;
      }
    });
  return {
    query: (sql, values) => thread.alone(() => inside.query(sql, values)),
    transaction: (work) => inTransaction(() => work(inside)),
    migration: (work) => inTransaction(() => work({ ...inside, exec })),
    close: () => thread.close(),
  };
}

/** The first start builds beside the final name and renames, so a kill in between leaves nothing half-made behind. */
async function makeDatabase(dir: string, final: string): Promise<void> {
  const building = join(dir, 'db.building');
  rmSync(building, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  await (await EmbeddedThread.open(building)).close();
  renameSync(building, final);
}

class EmbeddedThread {
  readonly #worker = new Worker(new URL('./embeddedThread.js', import.meta.url), { name: 'database' });
  readonly #calls = new PortCalls<EmbeddedCalls>(portOfThread(this.#worker));
  /** Ends when what was asked before has ended. */
  #last: Promise<unknown> = Promise.resolve();
  #open = 0;
  #isClosed = false;

  static async open(folder: string): Promise<EmbeddedThread> {
    const thread = new EmbeddedThread();
    try {
      await thread.call('open', folder);
      return thread;
    } catch (error) {
      await thread.#end();
      throw error;
    }
  }

  private constructor() {
    this.#worker.on('error', (error) => {
      this.#calls.end(error.message, error);
      if (this.#isClosed) return;
      setImmediate(() => {
        throw error;
      });
    });
    this.#worker.on('exit', (code) => this.#calls.end(`exit code ${code}`));
  }

  /** Runs `work` when all that was asked before has ended: statements of two transactions never mix. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** The thread keeps the process alive only while something is asked of it. */
  async call<K extends keyof EmbeddedCalls>(
    name: K,
    argument: Parameters<EmbeddedCalls[K]>[0],
  ): Promise<Awaited<ReturnType<EmbeddedCalls[K]>>> {
    if (this.#open++ === 0) this.#worker.ref();
    try {
      return (await this.#calls.call(name, argument as never)) as Awaited<ReturnType<EmbeddedCalls[K]>>;
    } finally {
      if (--this.#open === 0) this.#worker.unref();
    }
  }

  close(): Promise<void> {
    return this.alone(async () => {
      if (this.#isClosed) return;
      await this.call('close', undefined);
      await this.#end();
    });
  }

  async #end(): Promise<void> {
    this.#isClosed = true;
    await this.#worker.terminate();
  }
}
