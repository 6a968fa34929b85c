/** @file Coverage of a task by its probed rows: known shares are recovered, chance is not counted, pay falls faster than work. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seededRandom } from '@alice/protocol';
import fc from 'fast-check';
import {
  coveredShares,
  defaultCoverageSettings,
  type RowGaps,
  rowGapsNats,
  vouchedTokens,
} from './workTests.js';

/** Gaps of 0.4 ± 0.1 nats on worked rows, 0 ± `noise` elsewhere. */
function gapsOf(share: number, { rows = 48, noise = 0.1, seed = 'a' } = {}): RowGaps {
  const random = seededRandom(`${seed}/${share}`);
  const control = Array.from({ length: rows }, () => noise * random.normal());
  const assigned = Array.from({ length: rows }, (_, i) =>
    i < share * rows ? 0.4 + 0.1 * random.normal() : noise * random.normal(),
  );
  return { assigned, control };
}

describe('work shown row by row, SPEC SCORE-4', () => {
  test('gaps are gains minus the mean gain on control rows', () => {
    const assigned = { before: Float64Array.of(5, 5), after: Float64Array.of(4, 4.5) };
    const control = { before: Float64Array.of(5, 5), after: Float64Array.of(4.8, 5) };
    const gaps = rowGapsNats(assigned, control);
    [0.9, 0.4].forEach((gap, i) => {
      assert.ok(Math.abs(gaps.assigned[i]! - gap) < 1e-12);
    });
    [0.1, -0.1].forEach((gap, i) => {
      assert.ok(Math.abs(gaps.control[i]! - gap) < 1e-12);
    });
  });

  test('estimates the worked share, even where chance alone shows a third of it', () => {
    const round = Array.from({ length: 7 }, (_, i) => gapsOf(1, { rows: 480, seed: `${i}` }));
    for (const share of [0, 0.25, 0.5, 1])
      for (const noise of [0.05, 0.3]) {
        const gaps = gapsOf(share, { rows: 480, noise, seed: 'cheat' });
        const covered = coveredShares([...round, gaps]).at(-1)!;
        assert.ok(Math.abs(covered - share) < 0.09, `${share} at noise ${noise}: ${covered}`);
      }
  });

  test('three of ten who did nothing do not move the median that honest work is held to', () => {
    const honest = Array.from({ length: 7 }, (_, i) => gapsOf(1, { seed: `${i}` }));
    const idle = Array.from({ length: 3 }, (_, i) => gapsOf(0, { seed: `idle ${i}` }));
    const round = [...honest, ...idle];
    const covered = coveredShares(round);
    for (const share of covered.slice(0, 7)) assert.ok(share! > 0.9, String(share));
    for (const share of covered.slice(7)) assert.ok(share! < 0.2, String(share));
  });

  test('blames no one for steps too small to show: a round whose median is weak itself decides nothing', () => {
    const rows = (worked: number): RowGaps => ({
      assigned: Array.from({ length: 20 }, (_, i) => (i < worked ? 0.4 : 0)),
      control: [0, 0, 0, 0],
    });
    assert.deepEqual(coveredShares([rows(15), rows(15), rows(5)]), [undefined, undefined, undefined]);
    assert.deepEqual(coveredShares([rows(16), rows(16), rows(4)]), [1, 1, 1 / 4]);
  });

  test('measures a round of one or two together with the rounds before', () => {
    const before = Array.from({ length: 5 }, (_, i) => gapsOf(1, { seed: `before ${i}` }));
    const lazy = gapsOf(0.25, { seed: 'lazy' });
    assert.deepEqual(coveredShares([gapsOf(1, { seed: 'alone' })], undefined, before), [1]);
    assert.ok(coveredShares([lazy], undefined, before)[0]! < 0.5);
    assert.deepEqual(coveredShares([lazy]), [undefined], 'against itself alone nothing could be told');
  });

  test('says nothing while the round shows no work at all', () => {
    const flat: RowGaps = { assigned: [0, -0.1, 0], control: [0, 0, 0] };
    assert.deepEqual(coveredShares([flat, flat]), [undefined, undefined]);
    assert.equal(vouchedTokens(4096, undefined), 4096);
  });

  test('leaving work out never pays: tokens fall faster than the work', () => {
    assert.equal(vouchedTokens(4096, 1), 4096);
    assert.equal(vouchedTokens(4096, 0.75), 2304);
    assert.equal(vouchedTokens(4096, 0.74), 0);
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(share, share, (a, b) => {
        const [less, more] = [Math.min(a, b), Math.max(a, b)];
        assert.ok(vouchedTokens(1, less) <= vouchedTokens(1, more));
        assert.ok(vouchedTokens(1, a) <= a);
        assert.ok(vouchedTokens(1, a) === 0 || a >= defaultCoverageSettings.minCovered);
      }),
    );
  });
});
