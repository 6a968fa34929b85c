/** @file Layouts have no gaps; deltas count their entries. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { entryCount } from './sparseDelta.js';
import { layoutOf } from './tensorLayout.js';

test('tensors follow one another in order, without gaps', () => {
  const dims = fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 4 });
  fc.assert(
    fc.property(fc.array(dims, { maxLength: 12 }), (shapes) => {
      const layout = layoutOf(shapes.map((shape, i) => [`t${i}`, shape]));
      let offset = 0;
      layout.tensors.forEach((spec, i) => {
        assert.deepEqual([spec.name, spec.shape, spec.offset], [`t${i}`, shapes[i], offset]);
        let elements = 1;
        for (const dim of shapes[i]!) elements *= dim;
        assert.equal(spec.size, elements);
        offset += elements;
      });
      assert.equal(layout.size, offset);
    }),
  );
  assert.deepEqual(
    layoutOf([
      ['scalar', []],
      ['matrix', [2, 3]],
    ]),
    {
      tensors: [
        { name: 'scalar', shape: [], offset: 0, size: 1 },
        { name: 'matrix', shape: [2, 3], offset: 1, size: 6 },
      ],
      size: 7,
    },
  );
});

test('entries are counted over all tensors', () => {
  const part = (tensor: number, count: number) => ({
    tensor,
    indices: new Uint32Array(count),
    values: new Float32Array(count),
  });
  assert.equal(entryCount({ tensors: [] }), 0);
  assert.equal(entryCount({ tensors: [part(0, 3), part(4, 5)] }), 8);
});
