import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NetworkStatus } from '@alice/protocol';
import { settledSince } from './settledSince.js';

const statusOf = (from: number, to: number): Pick<NetworkStatus, 'epochs'> => ({
  epochs: Array.from({ length: to - from }, (_, i) => ({
    epoch: from + i,
    startedAtMs: 0,
    endedAtMs: 0,
    mintedPlanck: '0',
    fromVersion: 0,
    toVersion: 0,
    payouts: [],
  })),
});

test('epochs settled since a start are counted, also where the status tells only of the newest', () => {
  assert.equal(settledSince(statusOf(0, 0), -1), 0);
  assert.equal(settledSince(statusOf(0, 2), -1), 2);
  assert.equal(settledSince(statusOf(103, 303), 299), 3, 'always 200 of them, and still three new ones');
  assert.equal(settledSince(statusOf(103, 303), undefined), 0, 'not known yet where it started');
});
