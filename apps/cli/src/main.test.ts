/** @file The command as a process: a wrong command line ends with exit code 2 and says where to look; a reader may go away. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const entry = fileURLToPath(new URL('./main.js', import.meta.url));

test('a reader that goes away ends the command without a stack trace', async () => {
  const child = spawn(process.execPath, [entry, 'commands'], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy(); // before the command has even started
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')));
  await new Promise((resolve) => child.once('close', resolve));
  assert.equal(said, '');
});

for (const [words, said] of [
  [['upp'], /unknown command 'upp'\n\(Did you mean up\?\)\n\(add --help/],
  [['up', '--bogus'], /unknown option '--bogus'\n\(add --help/],
  [['up', '--port', '65536'], /OPTION_INVALID: --port takes a whole number from 0 to 65535, not "65536"/],
] as const)
  test(`alice ${words.join(' ')}: what is wrong with it`, () => {
    const { status, stderr } = spawnSync(process.execPath, [entry, ...words], {
      ...{ encoding: 'utf8', env: { ...process.env, NO_COLOR: '1' }, timeout: 60_000 },
    });
    assert.equal(status, 2, stderr);
    assert.match(stderr, said);
  });
