/**
 * @file Which database the tests of the server run on: the embedded one, or, where ALICE_POSTGRES_URL names a server, a
 * new database there for each network. The same tests, whichever it is.
 */
import { randomBytes } from 'node:crypto';
import pg from 'pg';

/** A new database's URL, or undefined for the embedded one. */
export async function newTestDatabase(): Promise<string | undefined> {
  const server = process.env['ALICE_POSTGRES_URL'];
  if (server === undefined) return undefined;
  const name = `alice_test_${randomBytes(6).toString('hex')}`;
  await onServer(server, `CREATE DATABASE ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}

/** Drops a database that `newTestDatabase` made. */
export async function dropTestDatabase(url: string | undefined): Promise<void> {
  const server = process.env['ALICE_POSTGRES_URL'];
  if (server === undefined || url === undefined) return;
  await onServer(server, `DROP DATABASE IF EXISTS ${new URL(url).pathname.slice(1)} WITH (FORCE)`);
}

async function onServer(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  try {
    await client.connect();
    await client.query(sql);
  } finally {
    await client.end();
  }
}
