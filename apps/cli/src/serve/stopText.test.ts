/** @file Stop strings: whatever the pieces a text comes in, what is shown is the text before the first stop. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { stopText } from './stopText.js';

const letters = fc.string({ unit: fc.constantFrom('a', 'b', '\n'), maxLength: 30 });

test('the text before the first stop is shown, and nothing of the stop, however the text is cut', () => {
  fc.assert(
    fc.property(
      fc.array(letters, { maxLength: 8 }),
      fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '\n'), minLength: 1, maxLength: 4 }), {
        maxLength: 4,
      }),
      (pieces, stops) => {
        const stop = stopText(stops);
        const shown = pieces.map((piece) => stop.push(piece)).join('') + stop.end();
        const whole = pieces.join('');
        const ends = stops.map((s) => whole.indexOf(s)).filter((at) => at >= 0);
        // The first stop that is complete ends the text; of several complete at once, the earliest beginning.
        const completed = stops
          .map((s) => whole.indexOf(s) + s.length)
          .filter((_, i) => whole.includes(stops[i]!));
        if (ends.length === 0) {
          assert.equal(shown, whole);
          assert.equal(stop.isStopped, false);
        } else {
          assert.equal(stop.isStopped, true);
          assert.ok(whole.startsWith(shown));
          assert.ok(!stops.some((s) => shown.includes(s)), 'no stop is shown');
          assert.ok(shown.length <= Math.max(...ends));
          assert.ok(shown.length >= Math.min(...completed) - 4 - 30);
        }
      },
    ),
  );
});

test('what may become a stop is held back until it is decided', () => {
  const stop = stopText(['END']);
  assert.equal(stop.push('one E'), 'one ');
  assert.equal(stop.push('N'), '');
  assert.equal(stop.push('O'), 'ENO');
  assert.equal(stop.push('EN'), '');
  assert.equal(stop.end(), 'EN');
});
