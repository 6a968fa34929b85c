/** @file Pay by folded size, and leaning on older updates: worked by hand, and what may never pay more. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { foldedGains } from './foldedGains.js';
import { freshShares, leanOnOlder } from './freshness.js';

describe('gain as folded, SPEC SCORE-7', () => {
  test('what is louder than the median counts as if it had been sent at the median', () => {
    const round = [1, 2, 4, 2].map((normL2) => ({ gainNats: 0.1 * normL2, normL2 }));
    assert.deepEqual(foldedGains(round), [0.1, 0.2, 0.2, 0.2]);
    assert.deepEqual(foldedGains([{ gainNats: 0.3, normL2: 5 }]), [0.3]);
  });

  test('sending more of the same never counts for more, for any gain that grows less than the size', () => {
    const part = fc.double({ min: 0.01, max: 1, noNaN: true });
    fc.assert(
      fc.property(part, fc.double({ min: 1, max: 10, noNaN: true }), part, (gain, factor, concavity) => {
        const others = Array.from({ length: 4 }, () => ({ gainNats: gain, normL2: 1 }));
        const louder = { gainNats: gain * factor ** concavity, normL2: factor };
        assert.ok(foldedGains([...others, louder]).at(-1)! <= gain * (1 + 1e-12));
      }),
    );
  });
});

describe('freshness, SPEC SCORE-4', () => {
  test('older overlaps over newer ones; nothing to say with fewer than four updates', () => {
    assert.ok(Math.abs(leanOnOlder([0.4, 0.4, 0.3, 0.3, 0.9])! - 0.75) < 1e-12);
    assert.equal(leanOnOlder([0.4, 0.4, 0.3]), undefined);
    assert.equal(leanOnOlder([0, 0, 0.3, 0.3]), undefined);
  });

  test('half pay for what leans beyond the rest, whole for a small round', () => {
    const honest = [0.74, 0.75, 0.76, 0.75, 0.77, 0.73];
    assert.deepEqual(freshShares([...honest, 0.84, undefined]), [1, 1, 1, 1, 1, 1, 0.5, 1]);
    assert.deepEqual(freshShares([0.75, 0.75, 0.95]), [1, 1, 1]);
  });
});
