/** @file `alice miner status` and `estimate` as commands of their own: an option after their name is theirs, not the miner's. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
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

test('a service is started with what was typed for it, files by their whole path', () => {
  const dir = mkdtempSync(join(tmpdir(), 'alice-service-'));
  writeFileSync(join(dir, 'key.json'), '{}');
  const typed = [
    ...['--reward-address', 'a2x', '--instance', 'attic', '--device', 'auto', '--schedule', '22:00-07:00'],
    ...['--model-mirror', 'https://a.example', '--model-mirror', 'https://b.example', '--pause-on-battery'],
  ];
  const more = ['--print', '--key-file', join(dir, 'key.json'), '--ca', 'own.pem'];
  const { stdout, stderr, status } = alice('miner', 'install-service', ...more, ...typed);
  rmSync(dir, { recursive: true });
  assert.equal(status, 0, stderr);
  for (const word of [...typed, '--ca', resolve('own.pem')]) assert.ok(stdout.includes(word), word);
  assert.equal(stdout.match(/--model-mirror/g)!.length, 2);
  const wrong = alice('miner', 'install-service', '--print', '--schedule', 'at night');
  assert.deepEqual([wrong.status, /OPTION_INVALID/.test(wrong.stderr)], [2, true]);
});
