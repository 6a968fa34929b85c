/** @file Two runs never share a folder; a folder that cannot be is refused with a code. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { withRunLock } from './runLock.js';

test('one run a folder, the next when it has ended, however it ended', async (t) => {
  const dir = join(mkdtempSync(join(tmpdir(), 'alice-run-lock-')), 'run');
  t.after(() => rmSync(join(dir, '..'), { recursive: true, force: true }));
  await withRunLock(dir, async () => {
    await assert.rejects(
      withRunLock(dir, async () => undefined),
      { info: { code: 'RUN_BUSY', dir, pid: process.pid } },
    );
  });
  await assert.rejects(
    withRunLock(dir, () => Promise.reject(new Error('failed'))),
    /failed/,
  );
  assert.equal(await withRunLock(dir, async () => 'done'), 'done');
  assert.deepEqual(readdirSync(dir), []);
});

test('a file in the way is said', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'alice-run-lock-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const file = join(dir, 'run');
  writeFileSync(file, '');
  await assert.rejects(
    withRunLock(file, async () => undefined),
    { info: { code: 'RUN_UNWRITABLE', file, reason: 'EEXIST' } },
  );
});
