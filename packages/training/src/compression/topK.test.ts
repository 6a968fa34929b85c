import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CHUNK_ELEMENTS, entryCount, errorCodeOf, layoutOf } from '@alice/protocol';
import fc from 'fast-check';
import { flattenDelta } from '../flatDelta.js';
import { chunkyLayout, normalVector } from '../testing/vectors.js';
import { selectTopK } from './topK.js';

/** Sorting reference: the largest of a range, ties to the lowest index, zeros left out, ascending. */
function largest(values: ArrayLike<number>, from: number, to: number, count: number): number[] {
  const indices = Array.from({ length: to - from }, (_, i) => from + i);
  indices.sort((a, b) => Math.abs(values[b]!) - Math.abs(values[a]!) || a - b);
  return indices
    .slice(0, count)
    .filter((i) => values[i] !== 0)
    .sort((a, b) => a - b);
}

test('chunked selection equals sorting every chunk of every tensor', () => {
  const layout = chunkyLayout();
  // Few distinct values, so that ties at the threshold are the rule.
  const value = fc.constantFrom(0, -0, 1, -1, 2, -2, 0.5, 1e-40, -3);
  const property = fc.property(
    fc.array(value, { minLength: layout.size, maxLength: layout.size }),
    fc.constantFrom(0.0001, 0.03, 0.25, 0.9, 1),
    (list, density) => {
      const values = Float32Array.from(list);
      const expected = layout.tensors.flatMap(({ offset, size }) => {
        const picked: number[] = [];
        for (let from = 0; from < size; from += CHUNK_ELEMENTS) {
          const length = Math.min(CHUNK_ELEMENTS, size - from);
          picked.push(...largest(values, offset + from, offset + from + length, Math.ceil(density * length)));
        }
        return picked;
      });
      const { indices, values: sent } = flattenDelta(selectTopK(values, { layout, density }), layout);
      assert.deepEqual([...indices!], expected);
      assert.deepEqual(
        [...sent],
        expected.map((i) => values[i]),
      );
    },
  );
  fc.assert(property, { numRuns: 20 });
});

test('global selection equals sorting the whole model, one tensor may take it all', () => {
  const layout = chunkyLayout();
  for (const density of [0.001, 0.4]) {
    const values = normalVector(`global ${density}`, layout.size).map((x) => Math.round(3 * x));
    values.fill(9, 20, 30);
    const { indices } = flattenDelta(selectTopK(values, { layout, density, selection: 'global' }), layout);
    assert.deepEqual([...indices!], largest(values, 0, layout.size, Math.ceil(density * layout.size)));
  }
});

test('global selection finds the last magnitude by all of its bits, and takes ties from the first on', () => {
  const layout = layoutOf([
    ['a', [30]],
    ['b', [1]],
    ['c', [70]],
  ]);
  // Neighbours in the lower bits, across the border of the two halves, subnormal, the largest, and of both signs.
  const magnitude = fc.constantFrom(0, 1, 2, 0x7fff, 0x8000, 0x8001, 0x3f80_0000, 0x3f80_0001, 0x7f7f_ffff);
  const value = fc
    .tuple(magnitude, fc.boolean())
    .map(([bits, isNegative]) => bits | (Number(isNegative) << 31));
  const property = fc.property(
    fc.array(value, { minLength: layout.size, maxLength: layout.size }),
    fc.double({ min: 0.001, max: 1, noNaN: true }),
    (list, density) => {
      const values = new Float32Array(Int32Array.from(list).buffer);
      const { indices } = flattenDelta(selectTopK(values, { layout, density, selection: 'global' }), layout);
      assert.deepEqual([...indices!], largest(values, 0, layout.size, Math.ceil(density * layout.size)));
    },
  );
  fc.assert(property, { numRuns: 200 });
});

test('3% of a full chunk is 123 elements', () => {
  const layout = layoutOf([['w', [2 * CHUNK_ELEMENTS]]]);
  const delta = selectTopK(normalVector('count', layout.size), { layout, density: 0.03 });
  assert.equal(entryCount(delta), 2 * 123);
  assert.equal(delta.tensors[0]!.indices.filter((i) => i < CHUNK_ELEMENTS).length, 123);
});

test('nothing to send gives an empty delta; a foreign vector or density is refused', () => {
  const layout = chunkyLayout();
  assert.deepEqual(selectTopK(new Float32Array(layout.size), { layout, density: 1 }), { tensors: [] });
  const codeOf = (values: Float32Array, density: number) => {
    try {
      selectTopK(values, { layout, density });
      return 'none';
    } catch (error) {
      return errorCodeOf(error);
    }
  };
  assert.equal(codeOf(new Float32Array(3), 0.1), 'VECTOR_LENGTH');
  for (const density of [0, -1, 1.01, Number.NaN])
    assert.equal(codeOf(new Float32Array(layout.size), density), 'SETTING_INVALID', String(density));
});
