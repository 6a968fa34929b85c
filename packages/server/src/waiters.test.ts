/** @file Waiting: woken, timed out, given up; and the bounded map. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createLru } from './lru.js';
import { createWaiters } from './waiters.js';

it('wakes all who wait, and nobody is left behind', async () => {
  const waiters = createWaiters();
  const never = new AbortController();
  const gone = new AbortController();
  const results = Promise.all([
    waiters.wait(60_000, never.signal),
    waiters.wait(60_000, never.signal),
    waiters.wait(1, never.signal),
    waiters.wait(60_000, gone.signal),
    waiters.wait(60_000, AbortSignal.abort()),
  ]);
  gone.abort();
  await waiters.wait(5, never.signal); // longer than the shortest wait above
  waiters.wake();
  assert.deepEqual(await results, [true, true, false, false, false]);
  assert.equal(waiters.size, 0);
});

it('lets all go when the server ends, and nobody waits from then on', async () => {
  const waiters = createWaiters();
  const { signal } = new AbortController();
  const waiting = waiters.wait(60_000, signal);
  waiters.end();
  assert.deepEqual([await waiting, await waiters.wait(60_000, signal), waiters.size], [false, false, 0]);
});

it('keeps the most recently used', () => {
  const lru = createLru<string, number>(2);
  lru.set('a', 1);
  lru.set('b', 2);
  lru.get('a');
  lru.set('c', 3);
  assert.deepEqual([lru.get('a'), lru.get('b'), lru.get('c')], [1, undefined, 3]);
  lru.delete('a');
  assert.equal(lru.get('a'), undefined);
});
