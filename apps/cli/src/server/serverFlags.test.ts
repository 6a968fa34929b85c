/** @file What `alice server` refuses before it makes or opens anything, and what to do instead. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../main.js', import.meta.url));
const alice = (...args: string[]) =>
  spawnSync(process.execPath, [main, ...args], { encoding: 'utf8', env: { ...process.env, NO_COLOR: '1' } });

test('a process that only scores is another command', () => {
  const { stderr, status } = alice('server', '--roles', 'scorer');
  assert.equal(status, 2);
  assert.match(stderr, /OPTION_INVALID.*"alice scorer --server URL"/);
});

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
test('certificate and key that do not fit, or are no certificate', {
  skip: !hasOpenssl && 'no openssl',
}, () => {
  const dir = mkdtempSync(join(tmpdir(), 'alice-tls-'));
  const make = (name: string): string[] => {
    const [cert, key] = [join(dir, `${name}.pem`), join(dir, `${name}-key.pem`)];
    const words =
      'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=a.test';
    execFileSync('openssl', [...words.split(' '), '-keyout', key, '-out', cert], { stdio: 'ignore' });
    return [cert, key];
  };
  const [[cert], [, otherKey]] = [make('a'), make('b')];
  const junk = join(dir, 'junk.pem');
  writeFileSync(junk, 'no certificate');
  for (const [a, b] of [
    [cert!, otherKey!],
    [junk, junk],
  ] as const) {
    const state = join(dir, 'state');
    const { stderr, status } = alice('server', '--dir', state, '--tls-cert', a, '--tls-key', b);
    assert.deepEqual([status, existsSync(state)], [2, false], stderr);
    assert.match(stderr, /OPTION_INVALID: --tls-cert and --tls-key must be PEM files/);
  }
  rmSync(dir, { recursive: true });
});
