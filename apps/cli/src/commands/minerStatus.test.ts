/** @file `alice miner status` and `estimate` as commands of their own: an option after their name is theirs, not the miner's. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../main.js', import.meta.url));
const alice = (...args: string[]) =>
  spawnSync(process.execPath, [main, ...args], { encoding: 'utf8', env: { ...process.env, NO_COLOR: '1' } });

test('the server named after the command is the one asked', () => {
  const { stdout, status } = alice('miner', 'estimate', '--server', 'http://127.0.0.1:9', '--json');
  assert.equal(status, 0);
  const { problems, network } = JSON.parse(stdout) as { problems: string[]; network?: unknown };
  assert.equal(network, undefined);
  assert.match(problems.join(), /127\.0\.0\.1:9\b/);
});

test('a misspelt command or option is answered with what was meant, exit code 2', () => {
  for (const [args, meant] of [
    [['minr'], 'miner'],
    [['up', '--minrs', '3'], '--miners'],
  ] as const) {
    const { stderr, status } = alice(...args);
    assert.equal(status, 2);
    assert.match(stderr, new RegExp(`Did you mean ${meant}\\?`));
  }
});
