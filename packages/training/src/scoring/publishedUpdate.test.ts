/** @file Updates held in windows: the same as the whole where that is held, close to it where it is not. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { layoutOf, seededRandom } from '@alice/protocol';
import fc from 'fast-check';
import { type FlatDelta, flattenDelta } from '../flatDelta.js';
import { overlapOf } from './overlap.js';
import {
  type ElementRange,
  entriesWithin,
  overlapWithUpdate,
  type PublishedUpdate,
  publishedUpdate,
  rangesAround,
  updateOf,
  updateRanges,
} from './publishedUpdate.js';

const SIZE = 2 ** 20;
const HELD = { held: 2 ** 16, windows: 64 };
const random = seededRandom('windows');
const from = new Float32Array(SIZE);
const to = from.map(() => (random.unit() < 0.4 ? random.normal() : 0));

/** One entry in each stretch; `likeness` of them where and what the update has. */
function deltaOf(stretch: number, likeness: number): FlatDelta {
  const indices = Uint32Array.from({ length: SIZE / stretch }, (_, i) => {
    const start = i * stretch;
    if (random.unit() < likeness)
      for (let at = start; at < start + stretch; at++) if (to[at] !== 0) return at;
    return start + random.below(stretch);
  });
  return { indices, values: Float32Array.from(indices, (i) => to[i]! + 0.2 * random.normal()) };
}

const within = (ranges: readonly ElementRange[]): PublishedUpdate =>
  updateOf(
    ranges.map(({ offset, size }) => ({
      offset,
      from: from.subarray(offset, offset + size),
      to: to.subarray(offset, offset + size),
    })),
  );

describe('windows of an update', () => {
  test('are all of a small model; of a large one they lie apart, within it, elsewhere for another key', () => {
    assert.deepEqual(updateRanges(1_000, 7), [{ offset: 0, size: 1_000 }]);
    const property = fc.property(fc.integer({ min: 2 ** 24 + 1, max: 2 ** 34 }), fc.nat(), (size, key) => {
      const ranges = updateRanges(size, key);
      assert.equal(
        ranges.reduce((sum, range) => sum + range.size, 0),
        2 ** 24,
      );
      let end = 0;
      for (const range of ranges) {
        assert.ok(range.offset >= end);
        end = range.offset + range.size;
      }
      assert.ok(end <= size);
    });
    fc.assert(property);
    assert.notDeepEqual(updateRanges(2 ** 30, 1), updateRanges(2 ** 30, 2));
  });

  test('tell a copy from independent work as the whole update does', () => {
    const whole = publishedUpdate(from, to);
    for (const likeness of [0, 0.5, 1])
      for (const key of [1, 2]) {
        const delta = deltaOf(16, likeness);
        const exact = overlapWithUpdate(delta, whole, key);
        const sampled = overlapWithUpdate(delta, within(updateRanges(SIZE, key, HELD)), key);
        const message = `likeness ${likeness}, key ${key}`;
        assert.ok(Math.abs(sampled.indexFraction - exact.indexFraction) < 0.04, message);
        assert.ok(Math.abs(sampled.cosine - exact.cosine) < 0.04, message);
      }
  });

  test('around the entries of a small delta hold all of them', () => {
    const small = deltaOf(2_048, 1);
    const others = within(updateRanges(SIZE, 3, HELD));
    assert.ok(entriesWithin(small, others) < small.values.length / 8, 'windows elsewhere have few');
    const around = within(rangesAround(small, SIZE, 3));
    assert.equal(entriesWithin(small, around), small.values.length);
    const exact = overlapOf(small, overlapping(small));
    assert.equal(overlapWithUpdate(small, around).cosine, exact.cosine);
    assert.ok(overlapWithUpdate(small, around).indexFraction > 0.95);
  });

  test('of a delta with more entries than places to look, hold one of each run', () => {
    const delta = deltaOf(16, 0.3);
    const ranges = rangesAround(delta, SIZE, 5, { most: 100, length: 64 });
    assert.ok(ranges.length <= 100 && ranges.length > 90);
    const exact = overlapWithUpdate(delta, publishedUpdate(from, to));
    const sampled = overlapWithUpdate(delta, within(ranges));
    assert.ok(Math.abs(sampled.indexFraction - exact.indexFraction) < 0.15);
  });

  test('reach beyond 32 bits', () => {
    const huge = layoutOf([
      ['first', [2 ** 16, 2 ** 17]],
      ['second', [1_000]],
    ]);
    const tensors = [
      { tensor: 0, indices: Uint32Array.of(5), values: Float32Array.of(1) },
      { tensor: 1, indices: Uint32Array.of(3, 999), values: Float32Array.of(2, 3) },
    ];
    const flat = flattenDelta({ tensors }, huge);
    assert.deepEqual([...flat.indices!], [5, 2 ** 33 + 3, 2 ** 33 + 999]);
    const update = updateOf([
      { offset: 2 ** 33, from: new Float32Array(1_000), to: new Float32Array(1_000).fill(1) },
    ]);
    assert.equal(entriesWithin(flat, update), 2);
    assert.equal(overlapWithUpdate(flat, update).indexFraction, 1);
    assert.equal(overlapOf(flat, flat).indexFraction, 1);
  });
});

/** The update's own entries where the delta has some. */
function overlapping({ indices }: FlatDelta): FlatDelta {
  const shared = [...indices!].filter((i) => to[i] !== 0);
  return { indices: Uint32Array.from(shared), values: Float32Array.from(shared, (i) => to[i]!) };
}
