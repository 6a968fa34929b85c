import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

test('a reader that goes away ends the command without a stack trace', async () => {
  const entry = fileURLToPath(new URL('./main.js', import.meta.url));
  const child = spawn(process.execPath, [entry, 'commands'], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy(); // before the command has even started
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')));
  await new Promise((resolve) => child.once('close', resolve));
  assert.equal(said, '');
});
