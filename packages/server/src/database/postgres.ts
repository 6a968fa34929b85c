/**
 * @file A PostgreSQL server as the database of one or many nodes, over node-postgres. A lost connection is repeated
 * where nothing can have been committed (reads, and transactions that had not reached COMMIT); a COMMIT whose answer
 * was lost fails as DATABASE_UNREACHABLE, and every caller of this package can be asked again. READ COMMITTED: what
 * must not interleave takes a lock of its own (SELECT … FOR UPDATE, advisory locks) where it happens.
 */
import { createHash } from 'node:crypto';
import { errorCodeOf, messageOf } from '@alice/protocol';
import pg from 'pg';
import { ServerError } from '../errors.js';
import { createInTurn } from '../inTurn.js';
import type { Engine, Queryable, SessionLock, SqlValue } from './Database.js';
import { listenTo } from './notices.js';

const POOL = 12;
const CONNECT_TIMEOUT_MS = 5_000;
const STATEMENT_TIMEOUT_MS = 60_000;
/** How long a request waits for a database that is away before it is told to come back. */
const PATIENCE_MS = 12_000;
const CONFLICT_RETRIES = 20;

/** Serialization failure and deadlock: PostgreSQL undid the transaction, so it may simply run again. */
const CONFLICTS: ReadonlySet<string> = new Set(['40001', '40P01']);

/** Connects lazily. Throws `DATABASE_URL_INVALID`. */
export function openPostgres(url: string): Engine {
  const config = {
    connectionString: checkUrl(url),
    types: { getTypeParser: typeParser },
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    idle_in_transaction_session_timeout: STATEMENT_TIMEOUT_MS,
    application_name: 'alice server',
    keepAlive: true,
  };
  const pool = new pg.Pool({ ...config, max: POOL });
  pool.on('error', () => undefined); // an idle connection died; the pool makes another
  const listener = listenTo(config);
  const transaction = <T>(work: (tx: Queryable) => Promise<T>): Promise<T> =>
    patiently(() => inTransaction(pool, work));
  return {
    query: <Row>(sql: string, values: readonly SqlValue[] = []) =>
      patiently(() => oneStatement<Row>(pool, sql, values)),
    transaction,
    migration: (work) =>
      transaction((tx) => work({ ...tx, exec: async (sql) => void (await tx.query(sql)) })),
    async close() {
      await listener.close();
      await pool.end();
    },
    shared: {
      notify: (topic) =>
        void pool.query('SELECT pg_notify($1, $2)', [listener.channel, topic]).catch(() => undefined),
      listen: (handle) => listener.start(handle),
      lock: (name) => sessionLock(config, name),
      load: () => ({ connections: pool.totalCount, waiting: pool.waitingCount }),
    },
  };
}

function checkUrl(url: string): string {
  try {
    const { protocol, pathname } = new URL(url);
    if (/^postgres(ql)?:$/.test(protocol) && pathname.length > 1) return url;
  } catch {
    // falls through to the one error below
  }
  throw new ServerError(
    { code: 'DATABASE_URL_INVALID' },
    'the database is given as postgres://USER:PASSWORD@HOST:PORT/NAME',
  );
}

/** Counts and times stay below 2⁵³, so BIGINT is read as a number; everything else as usual (NUMERIC as text). */
const typeParser = ((oid: number, format?: 'text' | 'binary') =>
  oid === pg.types.builtins.INT8
    ? Number
    : pg.types.getTypeParser(oid, format as 'text')) as typeof pg.types.getTypeParser;

/** Thrown within this file: the connection broke while nothing can have been committed. */
class NothingDone extends Error {}

async function patiently<T>(attempt: () => Promise<T>): Promise<T> {
  const started = performance.now();
  for (let failures = 0; ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      if (CONFLICTS.has(errorCodeOf(error) ?? '') && failures < CONFLICT_RETRIES) {
        await pause(2 + Math.random() * 5 * (failures + 1));
        continue;
      }
      if (!(error instanceof NothingDone)) throw isLost(error) ? unreachable(error) : error;
      if (performance.now() - started > PATIENCE_MS) throw unreachable(error.cause);
      await pause(Math.min(1_000, 50 * 2 ** failures) * (0.5 + Math.random()));
    }
  }
}

async function connect(pool: pg.Pool): Promise<pg.PoolClient> {
  try {
    return await pool.connect();
  } catch (cause) {
    throw isLost(cause) ? new NothingDone(messageOf(cause), { cause }) : cause;
  }
}

async function oneStatement<Row>(pool: pg.Pool, sql: string, values: readonly SqlValue[]): Promise<Row[]> {
  const client = await connect(pool);
  try {
    const { rows } = await client.query(sql, [...values]);
    client.release();
    return rows as Row[];
  } catch (error) {
    client.release(isLost(error));
    // A read can be asked again; a write may have been done.
    if (isLost(error) && /^\s*SELECT\b/i.test(sql)) throw new NothingDone(messageOf(error), { cause: error });
    throw error;
  }
}

async function inTransaction<T>(pool: pg.Pool, work: (tx: Queryable) => Promise<T>): Promise<T> {
  const client = await connect(pool);
  let isCommitting = false;
  // Statements that are asked for at once run in that order: node-postgres wants one at a time.
  const inTurn = createInTurn();
  try {
    await client.query('BEGIN');
    const result = await work({
      query: <Row>(sql: string, values: readonly SqlValue[] = []) =>
        inTurn(async () => {
          const { rows } = await (values.length === 0 ? client.query(sql) : client.query(sql, [...values]));
          return rows as Row[];
        }),
    });
    isCommitting = true;
    await client.query('COMMIT');
    client.release();
    return result;
  } catch (error) {
    const lost = isLost(error);
    await inTurn(async () => undefined); // all of them have ended
    if (!lost) await client.query('ROLLBACK').catch(() => undefined);
    client.release(lost);
    if (lost && !isCommitting) throw new NothingDone(messageOf(error), { cause: error });
    throw error;
  }
}

/** Node's codes, PostgreSQL's classes 08 (connection) and 57P (shutdown), and what node-postgres says in words. */
function isLost(error: unknown): boolean {
  const code = errorCodeOf(error) ?? '';
  if (/^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ENOENT|08|57P0)/.test(code))
    return true;
  if (code === '25P03' || code === '53300') return true; // idle in transaction too long, too many connections
  return /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|not queryable/i.test(
    messageOf(error),
  );
}

function unreachable(cause: unknown): ServerError {
  return new ServerError(
    { code: 'DATABASE_UNREACHABLE', retryAfterMs: 2_000 },
    'the database does not answer: send it again after a moment',
    { cause },
  );
}

/** A lock that lives as long as one connection: PostgreSQL frees it when the holder dies in whatever way. */
async function sessionLock(config: pg.ClientConfig, name: string): Promise<SessionLock | undefined> {
  const client = new pg.Client(config);
  const lost = new AbortController();
  client.on('error', () => lost.abort());
  client.on('end', () => lost.abort());
  const end = () => client.end().catch(() => undefined);
  try {
    await client.connect();
    const key = createHash('sha256').update(name).digest().readInt32BE(0);
    const { rows } = await client.query('SELECT pg_try_advisory_lock($1, $2) AS taken', [LOCK_SPACE, key]);
    if (rows[0]?.taken === true) return { lost: lost.signal, release: end };
  } catch {
    // a database that is away gives no locks
  }
  await end();
  return undefined;
}
const LOCK_SPACE = 0x41_4c;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
