/** @file Why a miner was paid or not, and what it may earn: each case by hand. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NetworkStatus } from '@alice/protocol';
import { estimateEarnings } from './earningsEstimate.js';
import { type PayCode, payReason } from './payReason.js';

const miner = (changes: Partial<NetworkStatus['miners'][number]>): NetworkStatus['miners'][number] => ({
  ...{ address: 'a2me', instance: 'main', role: 'miner', device: 'cpu x', lastSeenMs: 5_000 },
  ...{ accepted: 0, refused: 0, score: '0' },
  ...changes,
});
const epoch = (payouts: NetworkStatus['epochs'][number]['payouts']): NetworkStatus['epochs'][number] => ({
  ...{ epoch: 3, startedAtMs: 1_000, endedAtMs: 4_000, mintedPlanck: '30', fromVersion: 0, toVersion: 1 },
  payouts,
});
const mine = { address: 'a2me', role: 'Training', score: '1', amountPlanck: '1500000000000' };
const none = { accepted: 0, queued: 0, refused: { NOISE: 4, TOO_LARGE: 9 } };

test('who is excluded is told so, whatever was paid before', () => {
  const facts = { miners: [miner({})], epochs: [epoch([mine])], submissions: none, receipts: [] };
  const { code, sentence } = payReason({ ...facts, banned: 'copies work' }, 'a2me');
  assert.equal(code, 'BANNED');
  assert.match(sentence, /excluded \(copies work\)/);
});

test('each reason is told by its code', () => {
  const cases: [PayCode, NetworkStatus['miners'], NetworkStatus['epochs'], RegExp][] = [
    ['PAID', [], [epoch([mine])], /epoch 3 paid 1\.5 ALICE/],
    ['NEVER_SEEN', [miner({ address: 'a2other', accepted: 4 })], [epoch([])], /has not seen/],
    ['NOTHING_JUDGED', [miner({})], [epoch([{ ...mine, address: 'a2other' }])], /judged yet/],
    [
      'ALL_REFUSED',
      [miner({ refused: 2 }), miner({ instance: 'b', refused: 1 })],
      [],
      /all 3 .* TOO_LARGE \(9\), NOISE \(4\)/,
    ],
    ['FIRST_EPOCH_OPEN', [miner({ accepted: 2 })], [], /2 of its updates/],
    [
      'AWAY',
      [miner({ accepted: 2, lastSeenMs: 3_999 })],
      [{ ...epoch([]), endedAtMs: 304_000 }],
      /1970-01-01T00:00:03/,
    ],
    // Silent since before the epoch ended: it is training.
    [
      'COUNTS_NEXT_EPOCH',
      [miner({ accepted: 2, lastSeenMs: 4_000 })],
      [{ ...epoch([]), endedAtMs: 304_000 }],
      /next settlement/,
    ],
    [
      'COUNTS_NEXT_EPOCH',
      [miner({ accepted: 2 })],
      [epoch([{ ...mine, role: 'scoring' }])],
      /next settlement/,
    ],
  ];
  for (const [code, miners, epochs, sentence] of cases) {
    const reason = payReason({ miners, epochs, submissions: none, receipts: [] }, 'a2me');
    assert.equal(reason.code, code);
    assert.match(reason.sentence, sentence);
  }
});

test('a reward address is looked up where the money goes', () => {
  const facts = {
    miners: [miner({ accepted: 1 })],
    epochs: [epoch([{ ...mine, address: 'a2vault' }])],
    submissions: none,
    receipts: [],
  };
  assert.equal(payReason(facts, 'a2me', 'a2vault').code, 'PAID');
  assert.equal(payReason(facts, 'a2me').code, 'COUNTS_NEXT_EPOCH');
});

test('its own receipts tell why it was refused, and of a member the status has forgotten', () => {
  const receipt = (outcome: string, code: string | null) => ({
    ...{ submissionId: 's', round: 1, outcome, code, score: '0', epoch: null },
  });
  const receipts = [receipt('refused', 'LAZY'), receipt('refused', 'STALE'), receipt('refused', 'LAZY')];
  const facts = { miners: [], epochs: [epoch([])], submissions: none, receipts };
  const refused = payReason(facts, 'a2me');
  assert.equal(refused.code, 'ALL_REFUSED');
  assert.match(refused.sentence, /all 3 .*; its refusals: LAZY \(2\), STALE \(1\)$/);
  const away = payReason({ ...facts, receipts: [...receipts, receipt('accepted', null)] }, 'a2me');
  assert.deepEqual([away.code, /has not been seen lately/.test(away.sentence)], ['AWAY', true]);
});

test('earnings: a quarter of the work is a quarter of what training was paid in the last epochs', () => {
  const version = (n: number, trainedTokens: number) => ({
    ...{ version: n, createdAtMs: 1_000 * n, heldOutLossNats: 5, standardErrorNats: 0.1, trainedTokens },
    ...{ uplinkBytes: 0, acceptedSubmissions: 0, stateRoot: '0x' },
  });
  const status = {
    versions: [version(0, 0), version(10, 3_000)], // 300 tokens a second
    epochs: [
      epoch([
        { ...mine, amountPlanck: '6000' },
        { ...mine, role: 'scoring', amountPlanck: '999' },
      ]),
    ],
  };
  assert.deepEqual(estimateEarnings(status, 100), {
    ...{ ownTokensPerSecond: 100, networkTokensPerSecond: 300, share: 0.25 },
    planckPerHour: 1_800_000n, // 6000 in 3 s = 2000 a second; a quarter of it, 3600 times
  });
  const early = estimateEarnings({ versions: [version(0, 0)], epochs: [] }, 100);
  assert.deepEqual([early.share, early.planckPerHour], [1, undefined]);
});
