/** @file Old rows are forgotten, and nobody who has ever sent anything. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { openDatabase } from '../database/Database.js';
import { copyDatabaseTemplate } from '../testing/databaseTemplate.js';
import { audit } from './auditLog.js';
import { forgetOld } from './forgetOld.js';

const DAY_MS = 86_400_000;

it('forgets old audit entries, and members who stayed away for a year and never sent anything', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'alice-forget-'));
  await copyDatabaseTemplate(dir);
  const db = await openDatabase(dir, undefined);
  try {
    const nowMs = 1_000 * DAY_MS;
    for (const days of [200, 91, 90, 1])
      await audit(db, nowMs - days * DAY_MS, { action: `${days}`, subject: null, details: {} });
    const member = (address: string, days: number, accepted: number, role = 'miner') =>
      db.query(
        `INSERT INTO members (address, instance, role, reward_address, device, first_seen_ms, last_seen_ms, accepted)
         VALUES ($1, 'a', $4, $1, '{}', 0, $2, $3)`,
        [address, nowMs - days * DAY_MS, accepted, role],
      );
    await member('flood', 366, 0);
    await member('away scorer', 366, 0, 'scorer');
    await member('new', 364, 0);
    await member('worked', 700, 1);
    await member('waits', 700, 0);
    await db.query(
      `INSERT INTO submissions (submission_id, task_id, address, instance, reward_address, round, version, shards,
         blob_hash, size_bytes, content_hash, steps, tokens, received_ms, stage, status, reason)
       VALUES ('s', 't', 'waits', 'a', 'waits', 0, 0, '', '', 0, '', 1, 1, 0, 'inspect', 'queued', '')`,
    );
    await forgetOld(db, nowMs);
    const left = await db.query<{ name: string }>('SELECT address AS name FROM members ORDER BY address');
    assert.deepEqual(
      left.map(({ name }) => name),
      ['new', 'waits', 'worked'],
    );
    const entries = await db.query<{ action: string }>('SELECT action FROM audit_log ORDER BY entry');
    assert.deepEqual(
      entries.map(({ action }) => action),
      ['90', '1'],
    );
  } finally {
    await db.close();
    rmSync(dir, { recursive: true, force: true });
  }
});
