/**
 * @file The thread of the embedded database: PGlite computes, and waits for the disk, here and not where requests are
 * served. One connection; whoever calls keeps statements of a transaction together.
 */
import { parentPort } from 'node:worker_threads';
import { errorCodeOf, messageOf, PortCalls, portOfThread } from '@alice/protocol';
import { PGlite, types } from '@electric-sql/pglite';
import { diskFull } from '../errors.js';
import { createInTurn } from '../inTurn.js';
import type { SqlValue } from './Database.js';
import { databaseStopped } from './databaseStopped.js';
import { PreparedStatements } from './PreparedStatements.js';

export interface Statement {
  readonly sql: string;
  readonly values?: readonly SqlValue[];
}

export interface EmbeddedCalls {
  /** Opens the database in `folder`, making it if there is none; `program` is PGlite's, see `databaseProgram`. */
  open(the: { readonly folder: string; readonly program: WebAssembly.Module }): Promise<void>;
  /** The rows of each statement; the first that fails is the last. */
  query(statements: readonly Statement[]): Promise<unknown[][]>;
  /** Several statements without values. */
  exec(sql: string): Promise<void>;
  close(): Promise<void>;
}

// Counts and times stay below 2⁵³, so they are read as numbers; scores are NUMERIC and read as text.
const ENGINE_OPTIONS = { parsers: { [types.INT8]: Number } };

let engine: PGlite | undefined;
let prepared: PreparedStatements | undefined;

/** One after another: statements of a transaction may be asked for at once, and the engine takes one at a time. */
const inTurn = createInTurn();

const handlers: EmbeddedCalls = {
  open: ({ folder, program }) =>
    inTurn(async () => {
      try {
        engine = await PGlite.create(folder, { ...ENGINE_OPTIONS, pgliteWasmModule: program });
        prepared = await PreparedStatements.of(engine);
      } catch (error) {
        throw databaseStopped(messageOf(error), isFull(error));
      }
    }),
  query: (statements) =>
    coded(async () => {
      const rows: unknown[][] = [];
      for (const { sql, values = [] } of statements) rows.push(await prepared!.run(sql, values));
      return rows;
    }),
  exec: (sql) =>
    coded(async () => {
      await engine!.exec(sql);
      await prepared!.forget();
    }),
  close: () => inTurn(() => engine!.close()),
};

/** PostgreSQL's code for a full disk, and the system's. */
const FULL = /^(53100|ENOSPC|EDQUOT)$/;
/** With these it has given up: it neither answers nor fails any more. */
const STOPPED = /^(PANIC|FATAL)$/;
/** How WebAssembly ends. */
const ABORTED = /^(RuntimeError|ExitStatus)$/;

const isFull = (error: unknown): boolean =>
  FULL.test(errorCodeOf(error) ?? '') || /No space left on device/.test(messageOf(error));

/** An error that means more than that one statement failed gets a code that crosses to the serving thread. */
async function coded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await inTurn(work);
  } catch (error) {
    const { severity, name } = error as { severity?: string; name?: string };
    if (STOPPED.test(severity ?? '') || ABORTED.test(name ?? ''))
      throw databaseStopped(messageOf(error), isFull(error));
    if (isFull(error)) throw diskFull(error);
    throw error;
  }
}

new PortCalls(portOfThread(parentPort!), { ...handlers });
