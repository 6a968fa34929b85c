import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { silentLogger } from '@alice/protocol';
import { isAlive } from '../process/isAlive.js';
import { waitForOrphans } from './orphans.js';

test('a start waits until the processes of a killed network are gone', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'alice-orphans-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const { signal } = new AbortController();
  await waitForOrphans(dir, { log: silentLogger, signal }); // a folder without a note
  const orphan = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  t.after(() => orphan.kill('SIGKILL'));
  writeFileSync(join(dir, 'running.json'), JSON.stringify({ pids: { up: process.pid, server: orphan.pid } }));
  const said: unknown[] = [];
  const info = (_: string, facts?: object): void => {
    said.push(facts);
    assert.ok(isAlive(orphan.pid!));
    orphan.kill('SIGKILL');
  };
  await waitForOrphans(dir, { log: { ...silentLogger, info }, signal });
  assert.deepEqual(said, [{ processes: String(orphan.pid) }], 'this very process is nobody to wait for');
  assert.ok(!isAlive(orphan.pid!));
});
