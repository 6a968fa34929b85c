/**
 * @file The thread of the embedded database: PGlite computes, and waits for the disk, here and not where requests are
 * served. One connection; whoever calls keeps statements of a transaction together.
 */
import { parentPort } from 'node:worker_threads';
import { PortCalls, portOfThread } from '@alice/protocol';
import { PGlite, types } from '@electric-sql/pglite';
import type { SqlValue } from './Database.js';

export interface EmbeddedCalls {
  /** Opens the database in `folder`, making it if there is none. */
  open(folder: string): Promise<void>;
  /** The rows of one statement. */
  query(statement: { readonly sql: string; readonly values: readonly SqlValue[] }): Promise<unknown[]>;
  /** Several statements without values. */
  exec(sql: string): Promise<void>;
  close(): Promise<void>;
}

// Counts and times stay below 2⁵³, so they are read as numbers; scores are NUMERIC and read as text.
const ENGINE_OPTIONS = { parsers: { [types.INT8]: Number } };

let engine: PGlite | undefined;

const handlers: EmbeddedCalls = {
  async open(folder) {
    engine = await PGlite.create(folder, ENGINE_OPTIONS);
  },
  query: async ({ sql, values }) => (await engine!.query(sql, [...values])).rows,
  exec: async (sql) => void (await engine!.exec(sql)),
  close: async () => engine!.close(),
};

new PortCalls(portOfThread(parentPort!), { ...handlers });
