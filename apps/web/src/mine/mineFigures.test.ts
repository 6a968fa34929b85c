/** @file The figures of the mine page follow from the miner's events, checked by hand. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { MinerEvent } from '@alice/miner/browser';
import { afterEvent, type MineFigures, NO_FIGURES } from './mineFigures.js';

const after = (...events: readonly MinerEvent[]): MineFigures =>
  events.reduce((figures, event, i) => afterEvent(figures, event, 1000 * i), NO_FIGURES);

const trained = (tokens: number, tokensPerSec: number): MinerEvent => ({
  type: 'trained',
  taskId: '0x1',
  steps: 4,
  skippedSteps: 0,
  tokens,
  lossNats: 5.25,
  tokensPerSec,
  elapsedMs: 1000,
});
const refused: MinerEvent = {
  type: 'refused',
  taskId: '0x1',
  submissionId: 's',
  code: 'NOISE',
  reason: 'too small to tell',
  score: '0',
};

describe('figures of the mine page', () => {
  it('say how far a download is, and leave the log alone', () => {
    const { activity, log } = after({
      ...{ type: 'download', what: 'model', doneBytes: 45_900_000, totalBytes: 100_000_000 },
    });
    assert.equal(activity, 'fetching the model: 45 %');
    assert.deepEqual(log, []);
  });

  it('count tokens, updates and verdicts, and keep the latest speed', () => {
    const figures = after(
      trained(100, 50),
      { type: 'submitted', taskId: '0x1', submissionId: 's', bytes: 2500 },
      { type: 'accepted', taskId: '0x1', submissionId: 's', score: '7', gainNats: 0.125 },
      trained(200, 80),
      { type: 'submitted', taskId: '0x2', submissionId: 't', bytes: 2500 },
      refused,
    );
    const { tokens, tokensPerSec, sent, accepted, refused: refusals } = figures;
    assert.deepEqual(
      { tokens, tokensPerSec, sent, accepted, refusals },
      {
        tokens: 300,
        tokensPerSec: 80,
        sent: 2,
        accepted: 1,
        refusals: 1,
      },
    );
    assert.deepEqual(
      figures.log.map(({ kind, text }) => [kind, text]),
      [
        ['bad', 'not accepted (NOISE): too small to tell'],
        ['plain', 'sent an update of 3 kB'],
        ['plain', 'trained 4 steps on 200 tokens, mean loss 5.250 nats'],
        ['good', 'accepted: it lowers the loss by 0.1250 nats'],
        ['plain', 'sent an update of 3 kB'],
        ['plain', 'trained 4 steps on 100 tokens, mean loss 5.250 nats'],
      ],
    );
  });

  it('show the steps of the task at hand only', () => {
    const step: MinerEvent = { type: 'step', step: 1, steps: 4, lossNats: 6, skipped: false };
    assert.deepEqual(after(step).step, { done: 2, of: 4, lossNats: 6 });
    const next: MinerEvent = { type: 'task', taskId: '0x2', round: 1, version: 3, shards: 1, tokens: 9 };
    assert.equal(after(step, next).step, undefined);
  });

  it('say what is wrong while it is, write it down once, and forget it when the server answers', () => {
    const retrying = (inMs: number): MinerEvent => ({
      type: 'retrying',
      code: 'SERVER_UNREACHABLE',
      reason: 'the server is away',
      inMs,
    });
    const away = after(retrying(500), retrying(2500));
    assert.deepEqual([away.trouble, away.againInMs], ['the server is away', 2500]);
    assert.deepEqual(away.log, [{ atMs: 0, text: 'the server is away', kind: 'bad' }]);
    assert.equal(afterEvent(away, trained(1, 1), 9).trouble, undefined);
  });

  it('keep a bounded list, newest first', () => {
    const many = after(...Array.from({ length: 100 }, () => refused));
    assert.equal(many.log.length, 30);
    assert.equal(many.log[0]!.atMs, 99_000);
  });
});
