/** @file One signal of several: which reason it gets, and that nothing stays with those it was made of. */
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { withSignals } from './withSignals.js';

test('ends with the first that ends, and for its reason', async () => {
  const [a, b] = [new AbortController(), new AbortController()];
  const reason = new Error('b ended');
  await withSignals([a.signal, undefined, b.signal], async (signal) => {
    assert.equal(signal.aborted, false);
    b.abort(reason);
    assert.equal(signal.reason, reason);
    a.abort(new Error('later'));
    assert.equal(signal.reason, reason);
  });
});

test('has ended already when one of them has', async () => {
  const ended = AbortSignal.abort(new Error('before'));
  await withSignals([new AbortController().signal, ended], async (signal) => {
    assert.equal(signal.reason, ended.reason);
  });
});

test('leaves no listener behind, however the work ends', async () => {
  const { signal } = new AbortController();
  assert.equal(await withSignals([signal], async () => getEventListeners(signal, 'abort').length), 1);
  await assert.rejects(
    withSignals([signal, signal], () => Promise.reject(new Error('failed'))),
    /failed/,
  );
  assert.equal(getEventListeners(signal, 'abort').length, 0);
});
