/** @file The embedded database when it stops answering: given up, opened again, with everything that was committed. */
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
