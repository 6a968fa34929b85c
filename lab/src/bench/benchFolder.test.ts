/** @file The folder of a bench is gone however the bench ends, at the latest when the next begins. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { inBenchFolder } from './benchFolder.js';

const parent = mkdtempSync(join(tmpdir(), 'alice-bench-folder-'));
after(() => rmSync(parent, { recursive: true, force: true }));

test('it is there while the work lasts, and gone after it, also where it fails', async () => {
  let used = '';
  const work = async (dir: string): Promise<void> => {
    used = dir;
    writeFileSync(join(dir, 'weights'), 'x');
    throw new Error('it failed');
  };
  await assert.rejects(inBenchFolder({ parent, name: 'a' }, work), /it failed/);
  assert.ok(used.startsWith(join(parent, 'alice-a-')));
  assert.equal(existsSync(used), false);
});

test('a bench that is killed outright is tidied up after by the next of its name only', async () => {
  const [dead, alive] = [`alice-b-4194303-abcdef`, `alice-b-${process.pid}-abcdef`];
  for (const left of [dead, alive, 'alice-c-4194303-abcdef', 'alice-b-notes']) mkdirSync(join(parent, left));
  await inBenchFolder({ parent, name: 'b' }, async () => undefined);
  assert.deepEqual(readdirSync(parent).sort(), [alive, 'alice-b-notes', 'alice-c-4194303-abcdef'].sort());
});

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  test(`${signal} leaves nothing behind`, async () => {
    const program = `
      const { inBenchFolder } = await import(${JSON.stringify(new URL('benchFolder.js', import.meta.url).href)});
      await inBenchFolder(${JSON.stringify({ parent, name: signal })}, async (dir) => {
        process.stdout.write(dir);
        await new Promise((resolve) => setTimeout(resolve, 60_000));
      });`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program]);
    const [dir] = (await once(child.stdout, 'data')) as [Buffer];
    assert.ok(existsSync(String(dir)));
    child.kill(signal);
    const [code] = (await once(child, 'exit')) as [number];
    assert.equal(code, signal === 'SIGINT' ? 130 : 143);
    assert.equal(existsSync(String(dir)), false);
  });
