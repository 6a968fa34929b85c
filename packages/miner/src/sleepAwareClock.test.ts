/** @file A clock for tasks: sleep counts, drift and a clock that is set back do not. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { sleepAwareClock } from './sleepAwareClock.js';

it('goes on in sleep, and is never set back', () => {
  let [monotonic, wall] = [1_000, 1_700_000_000_000];
  const pass = (steadyMs: number, wallMs: number): void => {
    monotonic += steadyMs;
    wall += wallMs;
  };
  const now = sleepAwareClock(
    () => monotonic,
    () => wall,
  );
  const start = now();
  const after = (): number => now() - start;
  pass(10_000, 10_000);
  assert.equal(after(), 10_000);
  pass(10, 3_600_010);
  assert.equal(after(), 3_610_010, 'an hour of sleep in which the monotonic clock stood still');
  pass(3_600_000, 3_600_000);
  assert.equal(after(), 7_210_010, 'an hour of sleep in which it went on');
  pass(1_000, -7_200_000);
  assert.equal(after(), 7_211_010, 'the wall clock is set back');
  for (let i = 0; i < 100; i++) {
    pass(1_000, 1_001);
    now();
  }
  assert.equal(after(), 7_311_010, 'drift is not sleep');
});
