/** @file The figures at the bottom of the terminal, from a status whose numbers can be checked by hand. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import type { NetworkStatus } from '@alice/protocol';
import { liveFigures, spark } from './liveFigures.js';

const START_MS = 1_790_000_000_000;
const ALICE = 1_000_000_000_000n;

function statusWith(changes: Partial<NetworkStatus>): NetworkStatus {
  const versions = [8.3, 6.4, 4.5].map((heldOutLossNats, version) => ({
    ...{ version, heldOutLossNats, standardErrorNats: 0.1, createdAtMs: START_MS + 10_000 * version },
    ...{ trainedTokens: 30_000 * version, uplinkBytes: 0, acceptedSubmissions: 0, stateRoot: '0x' },
  }));
  const member = (role: string, device: string, agoMs: number) => ({
    ...{ address: 'a2', instance: 'main', role, device, lastSeenMs: START_MS + 40_000 - agoMs },
    ...{ accepted: 0, refused: 0, score: '0' },
  });
  return {
    versions,
    submissions: { accepted: 4, queued: 1, refused: { NOISE: 2, STALE: 1 } },
    miners: [
      member('miner', 'processor', 1_000),
      member('miner', 'processor', 300_000),
      member('miner', 'reads the model only', 0),
      member('scorer', 'processor', 0),
    ],
    epochs: [],
    chain: { height: 17, reachable: true },
    totalIssuancePlanck: String(12n * ALICE),
    ...changes,
  } as NetworkStatus;
}

const figures = (changes: Partial<NetworkStatus> = {}, epochSeconds = 60): string[] =>
  liveFigures(statusWith(changes), { epochSeconds, nowMs: START_MS + 40_000 }).map(stripVTControlCharacters);

test('the newest version, the speed over versions, who is at work, and when the chain pays', () => {
  assert.deepEqual(figures(), [
    '',
    '  model  version 2  loss 4.500 nats  █▅▁  3k tokens/s',
    '  work   1 of 2 miners at work  updates: 4 accepted, 3 refused, 1 waiting',
    '  chain  block 17  epoch 0 ████████░░░░ pays in 20 s  12.0000 ALICE issued',
  ]);
});

test('an epoch counts from the end of the one before; a due one waits for work that is verified', () => {
  const settled = { epoch: 3, startedAtMs: START_MS, endedAtMs: START_MS + 25_000, mintedPlanck: '0' };
  const epochs = [{ ...settled, fromVersion: 0, toVersion: 1, payouts: [] }];
  assert.match(figures({ epochs })[3]!, /epoch 4 ███░{9} pays in 45 s/);
  assert.match(figures({ epochs }, 10)[3]!, /epoch 4 █{12} pays once work is verified/);
});

test('nothing measured yet, and a chain that is away, are said', () => {
  assert.match(figures({ versions: [] })[1]!, /the first version is being measured/);
  assert.match(figures({ chain: { height: 0, reachable: false } })[3]!, /does not answer/);
});

test('a spark line of many values keeps the first and the last, and one value is no peak', () => {
  const falling = Array.from({ length: 500 }, (_, i) => 500 - i);
  assert.match(spark(falling), /^█.{18}▁$/);
  assert.equal(spark([4.2]), '▁');
});
