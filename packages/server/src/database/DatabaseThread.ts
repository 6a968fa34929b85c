/** @file One life of the embedded database's thread, from opening the folder until it is closed, stops or dies. */
import { Worker } from 'node:worker_threads';
import { errorCodeOf, PortCalls, portOfThread } from '@alice/protocol';
import { THREAD_LIMITS } from '../launchThread.js';
import { databaseProgram } from './databaseProgram.js';
import type { EmbeddedCalls } from './embeddedThread.js';

/** Replaying a long log takes seconds; a start that hangs on a full disk is given up. */
const OPEN_MS = 120_000;

export class DatabaseThread {
  readonly #worker = new Worker(new URL('./embeddedThread.js', import.meta.url), {
    ...{ name: 'database', resourceLimits: THREAD_LIMITS },
  });
  readonly #calls = new PortCalls<EmbeddedCalls>(portOfThread(this.#worker));
  readonly #statementMs: number;
  #open = 0;

  /** A statement that takes longer than `statementMs` ends the thread. Throws `DATABASE_STOPPED`, `THREAD_ENDED`. */
  static async open(folder: string, statementMs: number): Promise<DatabaseThread> {
    const thread = new DatabaseThread(statementMs);
    const timer = setTimeout(() => void thread.end(), OPEN_MS);
    try {
      await thread.call('open', { folder, program: await databaseProgram() });
      return thread;
    } catch (error) {
      await thread.end();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  private constructor(statementMs: number) {
    this.#statementMs = statementMs;
    this.#worker.on('error', (error) => this.#calls.end(error.message, error));
    this.#worker.on('exit', (code) => this.#calls.end(`exit code ${code}`));
  }

  /** The thread keeps the process alive only while something is asked of it. */
  async call<K extends keyof EmbeddedCalls>(
    name: K,
    argument: Parameters<EmbeddedCalls[K]>[0],
  ): Promise<Awaited<ReturnType<EmbeddedCalls[K]>>> {
    if (this.#open++ === 0) this.#worker.ref();
    const timer = name === 'query' ? setTimeout(() => void this.end(), this.#statementMs) : undefined;
    try {
      return (await this.#calls.call(name, argument as never)) as Awaited<ReturnType<EmbeddedCalls[K]>>;
    } catch (error) {
      if (errorCodeOf(error) === 'DATABASE_STOPPED') this.#calls.end('the database stopped'); // it would never answer
      throw error;
    } finally {
      clearTimeout(timer);
      if (--this.#open === 0) this.#worker.unref();
    }
  }

  async close(): Promise<void> {
    try {
      await this.call('close', undefined);
    } finally {
      await this.end();
    }
  }

  /** Stops it wherever it is: what was committed is in the log. */
  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}
