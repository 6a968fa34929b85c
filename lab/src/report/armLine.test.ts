/** @file The line that tells how far an experiment is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { armLine } from './armLine.js';

test('rate and time left come from the rounds that were seen, in each arm anew', () => {
  let [text, nowMs] = ['', 0];
  const line = armLine(
    { isTTY: true, write: (part) => (text = part.slice(part.lastIndexOf('K') + 1)) },
    () => nowMs,
  );
  const place = { arm: 2, arms: 44, id: 'tilt', rounds: 60 };
  line.show({ ...place, round: 10 });
  assert.equal(text, '  2/44 tilt  round 10/60');
  nowMs = 4_000;
  line.show({ ...place, round: 20 });
  assert.equal(text, '  2/44 tilt  round 20/60, 2.5 rounds/s, 16 s left');
  line.show({ ...place, arm: 3, id: 'sybil', round: 1 });
  assert.equal(text, '  3/44 sybil  round 1/60');
});

test('a file gets no such line', () => {
  let text = '';
  const line = armLine({ write: (part) => (text += part) });
  line.show({ arm: 1, arms: 1, id: 'tilt', round: 1, rounds: 2 });
  line.clear();
  assert.equal(text, '');
});
