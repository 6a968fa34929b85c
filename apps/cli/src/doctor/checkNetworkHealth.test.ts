/** @file What the doctor says of a network: each trouble is found, and a healthy network has none. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { NetworkStatus } from '@alice/protocol';
import { checkLogs, checkTraining } from './checkNetworkHealth.js';

const NOW_MS = 1_790_000_000_000;
const status = (changes: object): NetworkStatus =>
  ({
    ...{ serverTimeMs: NOW_MS, versions: [{ version: 4, createdAtMs: NOW_MS - 20_000 }], miners: [] },
    submissions: { accepted: 8, queued: 0, refused: {} },
    ...changes,
  }) as unknown as NetworkStatus;
const troubles = (changes: object, nowMs = NOW_MS): string[] =>
  checkTraining(status(changes), nowMs)
    .filter(({ state }) => state !== 'ok')
    .map(({ name, remedy }) => `${name}: ${remedy}`);

test('a network at work has no trouble; each trouble is named with what to do', () => {
  assert.deepEqual(troubles({}), []);
  const old = { versions: [{ version: 4, createdAtMs: NOW_MS - 3_600_000 }] };
  assert.match(troubles(old)[0]!, /^training: no miner was seen/);
  const miners = [{ role: 'miner', lastSeenMs: NOW_MS - 1_000 }];
  assert.match(troubles({ ...old, miners })[0]!, /^training: 1 miner/);
  assert.match(troubles({}, NOW_MS + 90_000)[0]!, /^clock: /);
  assert.match(
    troubles({ submissions: { accepted: 1, queued: 0, refused: { NOISE: 11 } } })[0]!,
    /^updates: /,
  );
});

test('recent errors in the logs are found, old ones and damaged lines are not', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'alice-logs-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const line = (level: number, time: number, msg: string): string =>
    `${JSON.stringify({ level, time, msg })}\n`;
  writeFileSync(
    join(dir, 'server.log'),
    `not json\n${line(50, NOW_MS - 3_600_000, 'old')}${line(40, NOW_MS, 'warning')}`,
  );
  assert.equal(checkLogs(dir, NOW_MS).state, 'ok');
  writeFileSync(join(dir, 'node.log'), `${'x'.repeat(100_000)}\n${line(50, NOW_MS - 1_000, 'disk full')}`);
  assert.match(checkLogs(dir, NOW_MS).found, /^1 error\(s\); node: disk full$/);
  assert.equal(checkLogs(join(dir, 'none'), NOW_MS).state, 'ok');
});
