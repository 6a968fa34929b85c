/** @file Broadcasting against its definition, over random shapes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { broadcastShapes, repeatedAxes } from './broadcast.js';
import { sizeOf } from './value.js';

const wideShape = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 4 });
/** A shape that broadcasts to the wide one: some dimensions 1, some leading ones dropped. */
const pair = fc
  .tuple(wideShape, fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }), fc.nat(4))
  .map(([wide, ones, drop]) => ({
    wide,
    narrow: wide.map((dim, i) => (ones[i] ? 1 : dim)).slice(Math.min(drop, wide.length)),
  }));

test('a narrowed shape broadcasts back to the wide one, from either side', () => {
  fc.assert(
    fc.property(pair, ({ wide, narrow }) => {
      assert.deepEqual(broadcastShapes(narrow, wide), wide);
      assert.deepEqual(broadcastShapes(wide, narrow), wide);
    }),
  );
});

test('the repeated axes account for the whole difference in size', () => {
  fc.assert(
    fc.property(pair, ({ wide, narrow }) => {
      const repeats = repeatedAxes(narrow, wide).reduce((product, axis) => product * wide[axis]!, 1);
      assert.equal(sizeOf(narrow) * repeats, sizeOf(wide));
    }),
  );
});

test('different dimensions do not broadcast', () => {
  assert.equal(broadcastShapes([2, 3], [2]), undefined);
  assert.equal(broadcastShapes([2], [3]), undefined);
});
