/** @file What a person reads of a miner's events. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventSentence } from './eventSentence.js';

const ids = { taskId: '0x7e9a', submissionId: '6c5d' };

test('figures have units and no more digits than mean something', () => {
  assert.equal(
    eventSentence({
      ...{ type: 'trained', taskId: '0x', steps: 16, skippedSteps: 0, tokens: 16_384 },
      ...{ lossNats: 5.372148424386978, tokensPerSec: 2161.9291, elapsedMs: 7578.416715 },
    }),
    'Trained 16 steps on 16,384 tokens in 7.6 s (2,162 tokens/s), mean loss 5.372 nats',
  );
  assert.equal(eventSentence({ type: 'submitted', ...ids, bytes: 101_096 }), 'Update sent: 102 kB');
  assert.equal(
    eventSentence({ type: 'synced', version: 5, how: 'snapshot', bytes: 3_672_320 }),
    'Model is up to date: version 5, 3.7 MB downloaded',
  );
  assert.equal(
    eventSentence({ type: 'synced', version: 5, how: 'none', bytes: 0 }),
    'Model is up to date: version 5',
  );
});

test('a verdict says what it was about, a refusal its code and reason', () => {
  assert.equal(
    eventSentence({ type: 'accepted', ...ids, score: '0', gainNats: 0.019617 }),
    'Update accepted: a part of it lowers the held-out loss by 0.0196 nats',
  );
  assert.equal(eventSentence({ type: 'accepted', ...ids, score: '0', gainNats: null }), 'Update accepted');
  assert.equal(
    eventSentence({ type: 'refused', ...ids, code: 'COPY', reason: 'the same as another', score: '0' }),
    'Update refused: the same as another (COPY)',
  );
  assert.equal(
    eventSentence({ type: 'retrying', code: 'BUSY', reason: 'the server is busy', inMs: 2_500 }),
    'the server is busy (BUSY); trying again in 2.5 s',
  );
});
