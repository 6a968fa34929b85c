/** @file Checks what one address may do, with time driven by hand. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AddressLimiter } from './AddressLimiter.js';

const LIMITS = { connectionsPerAddress: 2, requestsPerSecondPerAddress: 5 };

test('an address has so many connections, each address its own, this machine any number', () => {
  const limiter = new AddressLimiter(LIMITS, () => 0);
  assert.deepEqual(
    [1, 2, 3].map(() => limiter.open('10.0.0.1')),
    [true, true, false],
  );
  assert.equal(limiter.open('10.0.0.2'), true);
  limiter.close('10.0.0.1');
  assert.deepEqual(
    [1, 2].map(() => limiter.open('10.0.0.1')),
    [true, false],
  );
  for (const local of ['127.0.0.1', '::ffff:127.0.0.1', '::1'])
    assert.ok(
      [...Array(9)].every(() => limiter.open(local)),
      local,
    );
});

test('requests run dry after a burst of ten seconds and come back with time', () => {
  let nowMs = 0;
  const limiter = new AddressLimiter(LIMITS, () => nowMs);
  assert.equal(limiter.take('10.0.0.1', 50), true);
  assert.equal(limiter.take('10.0.0.1', 1), false);
  assert.equal(limiter.take('10.0.0.2', 51), false, 'a batch larger than a whole burst');
  nowMs = 400;
  assert.equal(limiter.take('10.0.0.1', 2), true);
  assert.equal(limiter.take('10.0.0.1', 1), false);
  nowMs = 1_000_000;
  assert.equal(limiter.take('10.0.0.1', 50), true);
  assert.equal(limiter.take('10.0.0.1', 1), false, 'the bucket does not grow beyond the burst');
});

test('addresses that left are forgotten, connected ones are not', () => {
  let nowMs = 0;
  const limiter = new AddressLimiter(LIMITS, () => nowMs);
  for (let i = 0; i < 100; i++) limiter.take(`10.0.1.${i}`, 1);
  limiter.open('10.0.0.1');
  nowMs = 61_000;
  limiter.take('10.0.0.3', 1);
  assert.equal(limiter.size, 2);
});
