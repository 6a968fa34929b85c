/** @file What `alice server` refuses before it makes or opens anything, and what to do instead. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { endingSoon, type NodeFlags, tlsOf } from './serverFlags.js';

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

test('a self-signed certificate with less than 30 days left is made anew, another is kept', {
  skip: !hasOpenssl && 'no openssl',
}, () => {
  const dir = mkdtempSync(join(tmpdir(), 'alice-tls-'));
  const flags = { dir, tlsSelfSigned: true } as NodeFlags;
  const made = tlsOf(flags)!;
  assert.equal(endingSoon(made), undefined);
  assert.deepEqual(tlsOf(flags), made);
  const words = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 29 -subj /CN=a.test';
  const [cert, key] = [join(dir, 'tls', 'cert.pem'), join(dir, 'tls', 'key.pem')];
  execFileSync('openssl', [...words.split(' '), '-keyout', key, '-out', cert], { stdio: 'ignore' });
  assert.equal(endingSoon({ cert: readFileSync(cert, 'utf8') })?.daysLeft, 28);
  assert.equal(endingSoon(tlsOf(flags)!), undefined, 'made anew');
  writeFileSync(key, 'cut');
  assert.equal(endingSoon(tlsOf(flags)!), undefined, 'made anew when it does not fit');
  rmSync(dir, { recursive: true });
});
