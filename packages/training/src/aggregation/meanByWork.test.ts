/** @file The mean by work: the plain mean of equals, whole submissions out of parts, and no lever for who claims. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { layoutOf, type SparseDelta } from '@alice/protocol';
import fc from 'fast-check';
import { selectTopK } from '../compression/topK.js';
import { type AcceptedSubmission, type AggregatorOptions, defaultAggregatorOptions } from './foldPlan.js';
import { StreamingAggregator } from './streamingAggregator.js';
import { workShares } from './workShares.js';

const layout = layoutOf([['a', [8]]]);
const deltaOf = (values: readonly number[]): SparseDelta =>
  selectTopK(Float32Array.from(values), { layout, density: 1 });
const vector = fc.array(fc.float({ noNaN: true, min: -2, max: 2 }), { minLength: 8, maxLength: 8 });

function aggregated(
  submissions: readonly AcceptedSubmission[],
  options: Partial<AggregatorOptions> = { rule: 'mean-by-work' },
): number[] {
  const aggregator = new StreamingAggregator(layout, { ...defaultAggregatorOptions, ...options });
  for (const submission of submissions) aggregator.add(submission);
  return [...aggregator.aggregate()];
}
const norm = (values: readonly number[]): number => Math.hypot(...values);
const unit = (place: number, size: number): SparseDelta =>
  deltaOf(Array.from({ length: 8 }, (_, i) => (i === place ? size : 0)));

describe('mean by work', () => {
  test('of equal work it is the plain mean, bit for bit, clipped or not', () => {
    fc.assert(
      fc.property(fc.array(vector, { minLength: 1, maxLength: 9 }), fc.boolean(), (vectors, clip) => {
        const shares = workShares(vectors.map(() => 4_096));
        const submissions = vectors.map((values, i) => ({ delta: deltaOf(values), weight: shares[i]! }));
        assert.deepEqual(
          aggregated(submissions, { rule: 'mean-by-work', clip }),
          aggregated(submissions, { rule: 'mean', clip }),
        );
      }),
    );
  });

  test('four quarters of a task count like one whole task: their deltas add up', () => {
    const quarters = [0, 1, 2, 3].map((place) => ({ delta: unit(place, 1), weight: 0.25 }));
    const whole = { delta: unit(4, 2), weight: 1 };
    // Two tasks' worth in all; a quarter's norm of 1 is what the root of its work lets through beside one of 2.
    assert.deepEqual(aggregated([...quarters, whole]), [0.5, 0.5, 0.5, 0.5, 1, 0, 0, 0]);
  });

  test('short deltas do not hold long ones down to their size, as under the plain clip', () => {
    const short = [0, 1, 2].map((place) => ({ delta: unit(place, 0.5), weight: 0.25 }));
    const long = { delta: unit(4, 1), weight: 1 };
    const ofLong = (rule: AggregatorOptions['rule']): number => aggregated([...short, long], { rule })[4]!;
    assert.equal(ofLong('mean'), 0.5 / 4);
    assert.equal(ofLong('mean-by-work'), Math.fround(1 / 1.75));
  });

  test('who claims less work than it sends is clipped to what so much work moves', () => {
    const honest = Array.from({ length: 5 }, (_, place) => ({ delta: unit(place, 1), weight: 1 }));
    for (const weight of [1, 0.5, 0.1, 1e-6]) {
      const moved = aggregated([...honest, { delta: unit(7, 16), weight }])[7]!;
      assert.ok(Math.abs(moved - Math.sqrt(weight) / (5 + weight)) < 1e-6, `weight ${weight}: ${moved}`);
      assert.ok(moved <= 1 / 6 + 1e-6, 'and never moves more than a whole submission would');
    }
  });

  test('whatever is claimed and sent, one of n submissions moves no more than a whole one could', () => {
    const share = fc.double({ min: 1e-6, max: 1, noNaN: true });
    fc.assert(
      fc.property(
        fc.array(share, { minLength: 4, maxLength: 9 }),
        share,
        vector,
        (shares, claimed, hostile) => {
          // Honest work moves in proportion to the root of its steps at least.
          const honest = shares.map((weight, i) => ({ delta: unit(i % 8, Math.sqrt(weight)), weight }));
          const without = aggregated(honest);
          const withIt = aggregated([...honest, { delta: deltaOf(hostile), weight: claimed }]);
          const total = shares.reduce((sum, weight) => sum + weight, 0);
          const shrink = total / (total + claimed); // what dividing by its claim does to the others
          const moved = norm(withIt.map((x, i) => x - shrink * without[i]!));
          assert.ok(moved <= (Math.sqrt(claimed) + 1e-5) / (total + claimed), `moved ${moved}`);
        },
      ),
      { numRuns: 50 },
    );
  });

  test('a contribution of a region counts as its members would one by one', () => {
    const members = [
      { delta: unit(0, 1), weight: 1 },
      { delta: unit(1, 0.5), weight: 0.5 },
      { delta: unit(2, 0.25), weight: 0.25 },
      { delta: unit(3, 0.25), weight: 0.25 },
    ];
    const other = { delta: unit(5, 1), weight: 1 };
    const byWork = { rule: 'mean-by-work', clip: false } as const;
    const mean = deltaOf(aggregated(members, { rule: 'mean', clip: false }));
    const region = { delta: mean, weight: 0.5, members: 4 };
    assert.deepEqual(aggregated([region, other], byWork), aggregated([...members, other], byWork));
  });
});

describe('work shares', () => {
  test('are of the most, in (0, 1], and one for all while nobody has any', () => {
    assert.deepEqual(workShares([4096, 1024, 2048]), [1, 0.25, 0.5]);
    assert.deepEqual(workShares([0, 10]), [1e-6, 1]);
    assert.deepEqual(workShares([0, 0]), [1, 1]);
    assert.deepEqual(workShares([]), []);
  });
});
