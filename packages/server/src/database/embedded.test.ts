/**
 * @file The embedded database: what its prepared statements return, whatever happened since they were prepared; and when it
 * stops answering: given up, opened again, with everything that was committed.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { copyDatabaseTemplate } from '../testing/databaseTemplate.js';
import { openEmbedded } from './embedded.js';

it('gives up on a statement that never ends, undoes its transaction, and goes on', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'alice-embedded-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  await copyDatabaseTemplate(dir);
  const db = await openEmbedded(dir, { statementMs: 5_000 });
  await db.query('CREATE TABLE notes (note INT)');
  await db.query('INSERT INTO notes VALUES (1)');
  const endless = db.transaction(async (tx) => {
    await tx.query('INSERT INTO notes VALUES (2)');
    await tx.query('DO $$ BEGIN LOOP END LOOP; END $$').catch(() => undefined);
    await tx.query('INSERT INTO notes VALUES (3)'); // must not reach the database that is opened next
  });
  const waiting = db.query('SELECT note FROM notes');
  await assert.rejects(endless, { info: { code: 'DATABASE_UNREACHABLE', retryAfterMs: 2_000 } });
  assert.deepEqual(await waiting, [{ note: 1 }]);
  await db.query('INSERT INTO notes VALUES (4)');
  assert.deepEqual(await db.query('SELECT note FROM notes ORDER BY note'), [{ note: 1 }, { note: 4 }]);
  await db.close();
});

it('returns what a statement means now: after an error, a rollback, a changed table', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'alice-embedded-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  await copyDatabaseTemplate(dir);
  const db = await openEmbedded(dir);
  t.after(() => db.close());
  await db.migration((run) =>
    run.exec('CREATE TABLE notes (note BIGINT PRIMARY KEY, text TEXT, tags JSONB, is_read BOOLEAN)'),
  );
  const insert = 'INSERT INTO notes VALUES ($1, $2, $3, $4)';
  const read = 'SELECT * FROM notes WHERE note = ANY($1) ORDER BY note';
  await db.query(insert, [2 ** 40, null, '{"a":[1,"b"]}', true]);
  const one = { note: 2 ** 40, text: null, tags: { a: [1, 'b'] }, is_read: true };
  assert.deepEqual(await db.query(read, [[2 ** 40, 7]]), [one]);
  await assert.rejects(db.query(insert, [2 ** 40, 'again', null, false]), /duplicate key/);
  const failed = db.transaction(async (tx) => {
    await tx.query(insert, [7, "it's", null, false]);
    await assert.rejects(tx.query('SELECT 1 / $1::int AS quotient', [0]), /division by zero/);
    await tx.query('SELECT 2 / $1::int AS quotient', [1]); // prepared for the first time in a failed transaction
  });
  await assert.rejects(failed, /current transaction is aborted/);
  assert.deepEqual(await db.query('SELECT 2 / $1::int AS quotient', [1]), [{ quotient: 2 }]);
  assert.deepEqual(await db.query(read, [[2 ** 40, 7]]), [one]);
  await db.migration((run) => run.exec("ALTER TABLE notes ADD COLUMN colour TEXT DEFAULT 'red'"));
  assert.deepEqual(await db.query(read, [[2 ** 40, 7]]), [{ ...one, colour: 'red' }]);
  const both = await db.transaction((tx) =>
    Promise.all([
      tx.query<{ n: number }>('SELECT COUNT(*) AS n FROM notes'),
      tx.query(insert, [1, '', null, null]),
      tx.query<{ n: number }>('SELECT COUNT(*) AS n FROM notes'),
    ]),
  );
  assert.deepEqual([both[0], both[1], both[2]], [[{ n: 1 }], [], [{ n: 2 }]]);
});
