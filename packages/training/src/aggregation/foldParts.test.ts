/** @file The fold part by part: whatever the partition, the same bits as in one part and as the aggregate of the whole. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CodedError, layoutOf, type SparseDelta, seededRandom } from '@alice/protocol';
import fc from 'fast-check';
import { selectTopK } from '../compression/topK.js';
import { lowerMedian } from '../median.js';
import { type AcceptedSubmission, type AggregatorOptions, groupsOf } from './foldPlan.js';
import { type Folded, foldSubmissions } from './foldSubmissions.js';
import { outerStep } from './outerStep.js';
import { RunningMedian } from './runningMedian.js';
import { StreamingAggregator } from './streamingAggregator.js';
import { MemoryTermStore } from './termStore.js';

const layout = layoutOf([
  ['a', [7]],
  ['b', [1]],
  ['c', [4, 6]],
]);
const base = Float32Array.from({ length: layout.size }, (_, i) => Math.sin(i));
const learningRate = 0.7;

const rules = fc.record({
  rule: fc.constantFrom('mean', 'mean-by-work', 'score-weighted', 'median-of-means') as fc.Arbitrary<
    AggregatorOptions['rule']
  >,
  clip: fc.boolean(),
  groups: fc.integer({ min: 1, max: 7 }),
});
const drawn = fc.array(
  fc.record({
    seed: fc.nat(),
    weight: fc.double({ min: 1e-6, max: 1, noNaN: true }),
    members: fc.integer({ min: 1, max: 3 }),
    kind: fc.constantFrom('sound', 'sound', 'sound', 'too large', 'missing'),
  }),
  { maxLength: 9 },
);

function deltaOf(seed: number, isTooLarge: boolean): SparseDelta {
  const random = seededRandom(`delta ${seed}`);
  const values = Float32Array.from(
    { length: layout.size },
    () => random.normal() * 10 ** random.below(4) * 1e-3,
  );
  if (isTooLarge) values[random.below(layout.size)] = 100;
  return selectTopK(values, { layout, density: 0.1 + 0.9 * random.unit() });
}

async function foldedIn(
  partElements: number,
  rule: AggregatorOptions,
  submissions: readonly (AcceptedSubmission | undefined)[],
): Promise<Folded & { master: Float32Array; parts: number }> {
  const master = new Float32Array(layout.size);
  let parts = 0;
  const folded = await foldSubmissions({
    ...{ layout, rule, outerLearningRate: learningRate, count: submissions.length },
    base: async (offset, size) => base.slice(offset, offset + size),
    terms: new MemoryTermStore(layout, groupsOf(rule), partElements),
    deltaAt: async (position) => {
      const submission = submissions[position];
      if (!submission) throw new CodedError({ code: 'BLOB_MISSING' }, 'gone');
      return submission;
    },
    onPart: (part) => {
      parts++;
      assert.deepEqual(part.base, base.slice(part.offset, part.offset + part.base.length));
      master.set(part.master, part.offset);
    },
  });
  return { ...folded, master, parts };
}

describe('fold', () => {
  test('in parts of any size has the bits of the whole, for all rules, with dropped submissions', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 40 }), rules, drawn, async (partElements, rule, entries) => {
        const submissions = entries.map(({ seed, weight, members, kind }) =>
          kind === 'missing' ? undefined : { delta: deltaOf(seed, kind === 'too large'), weight, members },
        );
        const { parts, ...folded } = await foldedIn(partElements, rule, submissions);
        assert.equal(parts, Math.ceil(layout.size / partElements));
        const { parts: one, ...whole } = await foldedIn(layout.size, rule, submissions);
        assert.equal(one, 1);
        assert.deepEqual(folded, whole);

        const aggregator = new StreamingAggregator(layout, rule);
        const codes = entries.map(({ kind }) =>
          kind === 'missing' ? 'BLOB_MISSING' : kind === 'too large' ? 'DELTA_INVALID' : 'ok',
        );
        codes.forEach((code, i) => {
          if (code === 'ok') aggregator.add(submissions[i]!);
        });
        const expected = base.slice();
        const changedElements = outerStep({ master: expected, delta: aggregator.aggregate(), learningRate });
        assert.deepEqual([folded.master, folded.changedElements], [expected, changedElements]);
        assert.deepEqual(
          folded.dropped.map(({ position, code }) => [position, code]),
          codes.flatMap((code, position) => (code === 'ok' ? [] : [[position, code]])),
        );
      }),
    );
  });

  test('ends at what may work in a moment, instead of leaving the submission out', async () => {
    const away = new CodedError({ code: 'BLOBS_UNREACHABLE', retryAfterMs: 1 }, 'away');
    const fold = foldSubmissions({
      ...{ layout, outerLearningRate: 1, count: 1, rule: { rule: 'mean', clip: true, groups: 1 } },
      base: async () => base,
      deltaAt: () => Promise.reject(away),
      onPart: () => assert.fail('nothing is published'),
    });
    await assert.rejects(fold, away);
  });

  test('the running median is the lower median of what came', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ noNaN: true, min: 0 }), { maxLength: 40 }), (values) => {
        const median = new RunningMedian();
        assert.equal(median.lower, 0);
        values.forEach((value, i) => {
          median.add(value);
          assert.equal(median.lower, lowerMedian(values.slice(0, i + 1)));
        });
      }),
    );
  });
});
