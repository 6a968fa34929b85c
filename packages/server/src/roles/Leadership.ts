/**
 * @file One node at a time leads a role (the aggregator, the settlement of epochs). The lock is a database session, so it
 * is free the moment its holder dies; a term number in the database fences a leader that lost its session without
 * noticing: each of its transactions holds the term, and none commits once another node has begun the next.
 */
import { hostname } from 'node:os';
import { type Logger, messageOf } from '@alice/protocol';
import type { ServerContext } from '../context.js';
import type { Database, Queryable, SessionLock } from '../database/Database.js';
import { ServerError } from '../errors.js';

export interface LeadershipOptions {
  readonly db: Database;
  readonly role: string;
  /** Name of this node for people. */
  readonly node: string;
  readonly log: Logger;
  /** Takes up the work with a database that refuses to commit once the term is over; returns how to lay it down. */
  lead(db: Database): Promise<() => Promise<void>>;
}

export interface Leadership {
  readonly isLeading: boolean;
  close(): Promise<void>;
}

const SEEK_EVERY_MS = 500;

/** Leads at once if nobody else does, and otherwise as soon as nobody does. An embedded database has one node. */
export async function seekLeadership(options: LeadershipOptions): Promise<Leadership> {
  const { db, role, log } = options;
  if (!db.shared) {
    const stop = await options.lead(db);
    return { isLeading: true, close: stop };
  }
  let term: Term | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;
  let seeking: Promise<void> = Promise.resolve();

  const seek = async (): Promise<void> => {
    term = await beginTerm(options);
    if (!term) return again();
    const mine = term;
    mine.lock.lost.addEventListener('abort', () => {
      if (term !== mine || isClosed) return;
      log.warn('Leadership lost', { role });
      term = undefined;
      seeking = mine.end().then(again);
    });
  };
  const again = (): void => {
    if (isClosed) return;
    timer = setTimeout(() => {
      seeking = seek().catch((error: unknown) => {
        log.warn('Could not take over', { role, error: messageOf(error) });
        again();
      });
    }, SEEK_EVERY_MS);
  };
  await seek(); // the first attempt's errors are the caller's
  return {
    get isLeading() {
      return term !== undefined;
    },
    async close() {
      isClosed = true;
      clearTimeout(timer);
      await seeking;
      clearTimeout(timer);
      const last = term;
      term = undefined;
      await last?.end();
    },
  };
}

interface Term {
  readonly lock: SessionLock;
  end(): Promise<void>;
}

async function beginTerm({ db, role, node, log, lead }: LeadershipOptions): Promise<Term | undefined> {
  const lock = await db.shared!.lock(`alice ${role}`);
  if (!lock) return undefined;
  try {
    const [row] = await db.query<{ term: number }>(
      `INSERT INTO leaders (role, term, node) VALUES ($1, 1, $2)
       ON CONFLICT (role) DO UPDATE SET term = leaders.term + 1, node = EXCLUDED.node RETURNING term`,
      [role, node],
    );
    const stop = await lead(fenced(db, role, row!.term));
    log.info('Leading', { role, term: row!.term });
    return {
      lock,
      async end() {
        await stop().catch((error: unknown) =>
          log.warn('Work of a past term ended badly', { role, error: messageOf(error) }),
        );
        await lock.release();
      },
    };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** Every transaction holds the term's row: the next leader's UPDATE waits for it, and later ones find another term. */
function fenced(db: Database, role: string, term: number): Database {
  return {
    query: (sql, values) => db.query(sql, values),
    transaction: (work) =>
      db.transaction(async (tx) => {
        await holdTerm(tx, role, term);
        return work(tx);
      }),
    close: () => db.close(),
    shared: db.shared,
  };
}

async function holdTerm(tx: Queryable, role: string, term: number): Promise<void> {
  const rows = await tx.query('SELECT 1 FROM leaders WHERE role = $1 AND term = $2 FOR SHARE', [role, term]);
  if (rows.length === 0)
    throw new ServerError({ code: 'LEADERSHIP_LOST', role }, `another node leads the ${role} now`);
}

/** What every leadership of a node needs. */
export function nodeOf({ db, log, options }: ServerContext): Pick<LeadershipOptions, 'db' | 'log' | 'node'> {
  return { db, log, node: options.node ?? `${hostname()}/${process.pid}` };
}
