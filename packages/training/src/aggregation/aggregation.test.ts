import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { errorCodeOf, fromHalves, layoutOf, type SparseDelta, toHalf } from '@alice/protocol';
import fc from 'fast-check';
import { selectTopK } from '../compression/topK.js';
import { normalVector } from '../testing/vectors.js';
import { type AggregatorOptions, defaultAggregatorOptions } from './foldPlan.js';
import { outerStep } from './outerStep.js';
import { changedShare, publishHalves, publishHalvesLike } from './publishHalves.js';
import { StreamingAggregator } from './streamingAggregator.js';

const layout = layoutOf([
  ['a', [4]],
  ['b', [2, 3]],
]);

/** A delta from flat values, zeros left out. */
const deltaOf = (values: readonly number[]): SparseDelta =>
  selectTopK(Float32Array.from(values), { layout, density: 1 });
const aggregated = (
  deltas: readonly SparseDelta[],
  options: Partial<AggregatorOptions> = {},
  weights: number[] = [],
) => {
  const aggregator = new StreamingAggregator(layout, { ...defaultAggregatorOptions, ...options });
  deltas.forEach((delta, i) => {
    aggregator.add({ delta, weight: weights[i] ?? 1 });
  });
  return [...aggregator.aggregate()];
};
const close = (actual: readonly number[], expected: readonly number[], message = '') =>
  actual.forEach((x, i) => {
    assert.ok(Math.abs(x - expected[i]!) < 1e-6, `${message} element ${i}: ${x} instead of ${expected[i]}`);
  });

describe('mean', () => {
  test('of sparse deltas over all submitters, also those who sent nothing there', () => {
    const deltas = [deltaOf([1, 0, 0, 0, 3, 0, 0, 0, 0, 0]), deltaOf([0, 1, 0, 0, 0, 3, 0, 0, 0, 0])];
    assert.deepEqual(aggregated(deltas), [0.5, 0.5, 0, 0, 1.5, 1.5, 0, 0, 0, 0]);
    assert.deepEqual(aggregated([]), new Array(10).fill(0));
  });

  test('each tensor is clipped to the median submitter norm, whoever comes first', () => {
    const honest = [deltaOf([3, 4, 0, 0, 1, 0, 0, 0, 0, 0]), deltaOf([0, 0, 3, 4, 0, 1, 0, 0, 0, 0])];
    const loud = deltaOf([-9, -12, 0, 0, -0.5, 0, 0, 0, 0, 0]); // tensor a: norm 15 against 5, clipped to a third
    const expected = [0, 0, 1, 4 / 3, 0.5 / 3, 1 / 3, 0, 0, 0, 0];
    for (const order of [
      [loud, ...honest],
      [honest[0]!, loud, honest[1]!],
      [...honest, loud],
    ])
      close(aggregated(order), expected);
    close(aggregated([...honest, loud], { clip: false }), [-2, -8 / 3, 1, 4 / 3, 0.5 / 3, 1 / 3, 0, 0, 0, 0]);
  });

  test('of two submitters the louder is held to the norm of the quieter', () => {
    close(
      aggregated([deltaOf([1, 0, 0, 0, 0, 0, 0, 0, 0, 0]), deltaOf([0, 16, 0, 0, 0, 0, 0, 0, 0, 0])]),
      [0.5, 0.5, 0, 0, 0, 0, 0, 0, 0, 0],
    );
  });

  test('without clipping the order changes no bit; with it, replaying the same order changes none', () => {
    const property = fc.property(
      fc.array(fc.array(fc.float({ noNaN: true, min: -2, max: 2 }), { minLength: 10, maxLength: 10 }), {
        minLength: 1,
        maxLength: 12,
      }),
      fc.infiniteStream(fc.nat()),
      (vectors, stream) => {
        const deltas = vectors.map(deltaOf);
        const shuffled = deltas
          .map((delta) => ({ delta, key: stream.next().value }))
          .sort((x, y) => x.key - y.key)
          .map((x) => x.delta);
        assert.deepEqual(aggregated(shuffled, { clip: false }), aggregated(deltas, { clip: false }));
        assert.deepEqual(aggregated(deltas), aggregated(deltas));
      },
    );
    fc.assert(property);
  });

  test('deltas of equal norms give the same bits in any order with clipping, and equal the FP64 mean', () => {
    const deltas = Array.from({ length: 9 }, (_, n) => {
      const values = new Array(10).fill(0);
      values[n % 4] = n % 2 ? 0.125 : -0.125;
      values[4 + (n % 6)] = 0.25;
      return deltaOf(values);
    });
    assert.deepEqual(aggregated(deltas.toReversed()), aggregated(deltas));
    const mean = new Array(10).fill(0);
    deltas.forEach((delta) => {
      delta.tensors.forEach(({ tensor, indices, values }) => {
        indices.forEach((index, i) => {
          mean[layout.tensors[tensor]!.offset + index] += values[i]! / 9;
        });
      });
    });
    close(aggregated(deltas), mean);
  });
});

describe('other rules', () => {
  test('score-weighted: Σ w·delta / Σ w', () => {
    const deltas = [deltaOf([1, 0, 0, 0, 0, 0, 0, 0, 0, 0]), deltaOf([0, 1, 0, 0, 0, 0, 0, 0, 0, 0])];
    close(aggregated(deltas, { rule: 'score-weighted' }, [0.3, 0.1]), [0.75, 0.25, 0, 0, 0, 0, 0, 0, 0, 0]);
  });

  test('median of means survives a minority of hostile groups that a mean does not', () => {
    const honest = deltaOf([1, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    const hostile = deltaOf([-16, 0, 16, 0, 0, 0, 0, 0, 0, 0]);
    const deltas = [honest, honest, hostile, honest, honest, honest, honest, hostile, honest, honest]; // one of 5 groups
    const robust = aggregated(deltas, { rule: 'median-of-means', clip: false });
    close(robust.slice(0, 2), [1, 0.8]); // four of five groups sent element 1
    assert.ok(Math.abs(robust[2]! - 16 / 5) < 1e-6, 'what only one group sent shrinks like in a mean');
    assert.ok(aggregated(deltas, { clip: false })[0]! < 0, 'the mean is turned round');
  });

  test('median of means is odd: negated submissions give the negated result', () => {
    const property = fc.property(
      fc.array(fc.array(fc.float({ noNaN: true, min: -2, max: 2 }), { minLength: 10, maxLength: 10 }), {
        minLength: 1,
        maxLength: 9,
      }),
      (vectors) => {
        const rule = { rule: 'median-of-means' as const, clip: false };
        const plus = aggregated(vectors.map(deltaOf), rule);
        const minus = aggregated(
          vectors.map((v) => deltaOf(v.map((x) => -x))),
          rule,
        );
        close(
          minus,
          plus.map((x) => -x),
        );
      },
    );
    fc.assert(property);
  });
});

test('a submission that cannot be right is refused and leaves no trace', () => {
  const good = deltaOf([1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  const bad: Record<string, SparseDelta> = {
    'beyond the tensor': {
      tensors: [{ tensor: 0, indices: Uint32Array.of(0, 4), values: Float32Array.of(1, 1) }],
    },
    NaN: { tensors: [{ tensor: 1, indices: Uint32Array.of(0), values: Float32Array.of(Number.NaN) }] },
    huge: { tensors: [{ tensor: 1, indices: Uint32Array.of(0), values: Float32Array.of(17) }] },
  };
  for (const [name, delta] of Object.entries(bad)) {
    const aggregator = new StreamingAggregator(layout);
    aggregator.add({ delta: good });
    assert.throws(
      () => aggregator.add({ delta }),
      (e) => errorCodeOf(e) === 'DELTA_INVALID',
      name,
    );
    assert.equal(aggregator.count, 1);
    assert.deepEqual([...aggregator.aggregate()], aggregated([good]), name);
  }
  assert.throws(
    () => new StreamingAggregator(layout).add({ delta: good, weight: 0 }),
    (e) => errorCodeOf(e) === 'SETTING_INVALID',
  );
});

test('looking at the aggregate does not end the round', () => {
  const [one, two] = [deltaOf([1, 0, 0, 0, 0, 0, 0, 0, 0, 0]), deltaOf([0, 1, 0, 0, 0, 0, 0, 0, 0, 0])];
  const aggregator = new StreamingAggregator(layout);
  aggregator.add({ delta: one });
  assert.equal(aggregator.aggregate()[0], 1);
  aggregator.add({ delta: two });
  close([...aggregator.aggregate().slice(0, 2)], [0.5, 0.5]);
});

describe('outer step and publication', () => {
  test('adds learningRate · delta and counts changed elements', () => {
    const master = Float32Array.of(1, 2, 3);
    assert.equal(outerStep({ master, delta: Float32Array.of(0.5, 0, -1), learningRate: 2 }), 2);
    assert.deepEqual([...master], [2, 2, 1]);
  });

  test('changes far below an FP16 ulp add up in the master and show once they are large enough', () => {
    const master = Float32Array.of(1);
    const first = publishHalves(master);
    const delta = Float32Array.of(1e-5); // an ulp of FP16 at 1 is 9.8e-4
    let rounds = 0;
    while (changedShare(first, publishHalves(master)) === 0 && rounds < 1000) {
      outerStep({ master, delta, learningRate: 1 });
      rounds++;
    }
    assert.equal(rounds, 49); // half an ulp is 4.88e-4
  });

  test('halves made from those of similar weights are those of the weights themselves', () => {
    const weight = fc.constantFrom(0, -0, 1, 1.0001, 1.001, -1e-9, 1e6, -1e6, 6e-8);
    fc.assert(
      fc.property(fc.array(fc.tuple(weight, weight)), (pairs) => {
        const [weights, others] = [0, 1].map((side) => Float32Array.from(pairs, (pair) => pair[side]!));
        const other = { weights: others!, halves: publishHalves(others!) };
        assert.deepEqual(publishHalvesLike(weights!, other), publishHalves(weights!));
        assert.deepEqual(other.halves, publishHalves(others!), 'which are not changed');
      }),
    );
  });

  test('published halves are the nearest and never infinite', () => {
    const master = normalVector('master', 100, 3);
    publishHalves(master).forEach((half, i) => {
      assert.equal(half, toHalf(master[i]!));
    });
    assert.deepEqual([...fromHalves(publishHalves(Float32Array.of(1e6, -1e6)))], [65504, -65504]);
    assert.equal(changedShare(Uint16Array.of(1, 2, 3, 4), Uint16Array.of(1, 2, 9, 4)), 0.25);
  });
});
