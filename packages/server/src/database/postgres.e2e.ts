/**
 * @file The server's own suites once more, on a PostgreSQL server: the same files with ALICE_POSTGRES_URL set. Where its
 * programs are not installed, one line says so.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { findPostgres, startPostgres } from '../testing/postgresCluster.js';

const SUITES = [
  'registration/Registration',
  'submissions/receiveSubmission',
  'rounds/rounds',
  'recovery',
  'operations/backup',
  'receipts/receipts',
  'state/forgetOld',
  'blobs/blobQuota',
];
const bin = findPostgres();
const skip =
  bin === undefined &&
  'the suites ran on the embedded database alone: install PostgreSQL, or set ALICE_POSTGRES_BIN to its programs';
const fileOf = (suite: string): string => fileURLToPath(new URL(`../${suite}.test.js`, import.meta.url));

it('passes the suites that the embedded database passes', { skip }, async () => {
  const cluster = await startPostgres(bin!);
  try {
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const child = spawn(process.execPath, ['--enable-source-maps', '--test', ...SUITES.map(fileOf)], {
      env: { ...env, ALICE_POSTGRES_URL: cluster.url },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk;
    });
    const status = await new Promise((resolve) => child.once('exit', resolve));
    assert.equal(
      status,
      0,
      output
        .split('\n')
        .filter((line) => /not ok|error:|expected|actual/i.test(line))
        .join('\n'),
    );
    assert.ok(Number(/^# pass (\d+)$/m.exec(output)?.[1]) > 20, output.slice(-500));
  } finally {
    await cluster.remove();
  }
});
