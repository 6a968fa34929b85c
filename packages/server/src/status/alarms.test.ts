/** @file Alarms: each is raised by its cause and by nothing else. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { RoundRow } from '../state/rounds.js';
import type { VersionRow } from '../state/versions.js';
import { type AlarmFacts, alarmsOf } from './alarms.js';
import { thin } from './thin.js';

const version = (number: number, loss: number): VersionRow =>
  ({ version: number, loss_nats: loss, loss_error_nats: 0.01, created_ms: number }) as VersionRow;
const calm: AlarmFacts = {
  nowMs: 1_000_000,
  uniformLossNats: 5.5,
  versions: [version(6, 5), version(7, 4.9)],
  lastRound: undefined,
  oldestJobMs: undefined,
  lastScorerSeenMs: 0,
  chainUnreachableSinceMs: undefined,
  upstreamUnreachableSinceMs: undefined,
  blobUse: undefined,
  epochMismatch: undefined,
  chainBehind: undefined,
};

it('is quiet when all is well and names what is not', () => {
  const round = (status: string): RoundRow => ({ round: 3, status, closed_ms: 9, reason: 'x' }) as RoundRow;
  const cases: [string, Partial<AlarmFacts>, string[]][] = [
    ['calm', {}, []],
    ['worse than guessing', { versions: [version(6, 5.7), version(7, 5.6)] }, ['LOSS_ABOVE_UNIFORM']],
    ['worse than guessing, but young', { versions: [version(4, 5.7), version(5, 5.6)] }, []],
    ['loss rose', { versions: [version(6, 4.8), version(7, 4.9)] }, ['LOSS_ROSE']],
    ['loss rose within its error', { versions: [version(6, 4.89), version(7, 4.9)] }, []],
    ['rolled back', { lastRound: round('rolledBack') }, ['ROUND_ROLLED_BACK']],
    ['all refused', { lastRound: round('refused') }, ['ROUND_ALL_REFUSED']],
    ['applied', { lastRound: round('applied') }, []],
    ['no scorer', { oldestJobMs: 940_000 }, ['NO_SCORER']],
    ['scorer seen lately', { oldestJobMs: 1, lastScorerSeenMs: 940_001 }, []],
    ['chain away', { chainUnreachableSinceMs: 5 }, ['CHAIN_UNREACHABLE']],
    ['blobs within their quota', { blobUse: { usedBytes: 9, quotaBytes: 10 } }, []],
    [
      'too many blobs',
      { blobUse: { usedBytes: 11, quotaBytes: 10, overSinceMs: 5 } },
      ['BLOB_QUOTA_EXCEEDED'],
    ],
    ['a chain that lost epochs', { chainBehind: { epoch: 0, expected: 3, sinceMs: 5 } }, ['CHAIN_BEHIND']],
    ['epoch of another server', { epochMismatch: { epoch: 2, sinceMs: 5 } }, ['EPOCH_MISMATCH']],
  ];
  for (const [name, facts, codes] of cases)
    assert.deepEqual(
      alarmsOf({ ...calm, ...facts }).map(({ code }) => code),
      codes,
      name,
    );
});

it('says why a round was for nothing', () => {
  const lastRound = {
    round: 3,
    status: 'refused',
    closed_ms: 9,
    reason: 'the upstream says no.',
  } as RoundRow;
  const [alarm] = alarmsOf({ ...calm, lastRound });
  assert.equal(alarm?.message, 'Round 3 ended without accepted work: the upstream says no.');
});

it('thins evenly and keeps both ends', () => {
  const items = Array.from({ length: 10_001 }, (_, i) => i);
  const kept = thin(items, 2_000);
  assert.deepEqual([kept.length, kept[0], kept.at(-1)], [2_000, 0, 10_000]);
  assert.ok(kept.slice(1).every((item, i) => item - kept[i]! >= 5 && item - kept[i]! <= 6));
  assert.deepEqual(thin([1, 2, 3], 2_000), [1, 2, 3]);
});
