import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { isAlive } from './isAlive.js';

test('a running process is alive, an ended one is not', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  assert.ok(isAlive(child.pid!));
  child.kill('SIGKILL');
  await new Promise((resolve) => child.once('close', resolve));
  assert.ok(!isAlive(child.pid!));
});

test('a process that ended without being waited for is not alive', {
  skip: process.platform !== 'linux' && 'needs /proc',
}, async (t) => {
  // The shell starts a child, becomes `sleep` before that ends, and so never waits for it: as a container without an init.
  const shell = spawn('sh', ['-c', 'sleep 0.3 & echo $!; exec sleep 60'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => shell.kill('SIGKILL'));
  const pid = await new Promise<number>((resolve) => {
    shell.stdout.once('data', (text: Buffer) => resolve(Number(text.toString().trim())));
  });
  while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.doesNotThrow(() => process.kill(pid, 0), 'the system still knows it');
});
