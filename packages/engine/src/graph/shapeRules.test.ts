/** @file What cannot be written: each wrong node is refused with its code while the graph is built. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as ops from './operations.js';
import type { Shape, Value } from './value.js';

const x = (...shape: number[]): Value => ops.input('x', shape);
const ids = (...shape: number[]): Value => ops.input('ids', shape, 'int32');

const refused: readonly (readonly [string, string, () => unknown])[] = [
  ['add of 2 and 3', 'SHAPE_MISMATCH', () => ops.add(x(2), x(3))],
  ['add of integers', 'DTYPE_MISMATCH', () => ops.add(x(2), ids(2))],
  ['matmul, inner dimensions', 'SHAPE_MISMATCH', () => ops.matmul(x(2, 3), x(2, 3))],
  [
    'matmul, transposed inner dimensions',
    'SHAPE_MISMATCH',
    () => ops.matmul(x(2, 3), x(3, 2), { transposeB: true }),
  ],
  ['matmul of a vector', 'SHAPE_MISMATCH', () => ops.matmul(x(3), x(3, 2))],
  ['matmul, batches', 'SHAPE_MISMATCH', () => ops.matmul(x(2, 3, 4), x(3, 4, 2))],
  ['reshape to another size', 'SHAPE_MISMATCH', () => ops.reshape(x(2, 3), [4])],
  ['reshape to a fraction', 'ATTRIBUTE_INVALID', () => ops.reshape(x(2, 3), [4, -1])],
  ['expand to fewer', 'SHAPE_MISMATCH', () => ops.expand(x(2, 3), [3])],
  ['a dimension of 0', 'ATTRIBUTE_INVALID', () => x(2, 0)],
  ['transpose by no permutation', 'ATTRIBUTE_INVALID', () => ops.transpose(x(2, 3), [0, 0])],
  ['reduce along a missing axis', 'ATTRIBUTE_INVALID', () => ops.reduceSum(x(2, 3), [2])],
  ['reduce twice along one axis', 'ATTRIBUTE_INVALID', () => ops.reduceSum(x(2, 3), [1, -1])],
  ['an empty slice', 'ATTRIBUTE_INVALID', () => ops.slice(x(4), { axis: 0, start: 2, end: 2 })],
  ['a slice past the end', 'ATTRIBUTE_INVALID', () => ops.slice(x(4), { axis: 0, start: 2, end: 5 })],
  ['concat of different rows', 'SHAPE_MISMATCH', () => ops.concat([x(2, 3), x(2, 2)], 0)],
  ['concat of nothing', 'SHAPE_MISMATCH', () => ops.concat([], 0)],
  ['gather by floats', 'DTYPE_MISMATCH', () => ops.gather(x(2, 3), x(2))],
  ['scatter of rows without places', 'SHAPE_MISMATCH', () => ops.scatterAddRows(x(2, 3), ids(3), 4)],
  ['rows without places', 'SHAPE_MISMATCH', () => ops.placeRows(x(2, 3), ids(3), 4)],
  ['more rows than the table has', 'ATTRIBUTE_INVALID', () => ops.placeRows(x(2, 3), ids(2), 1)],
  ['a norm weight of another width', 'SHAPE_MISMATCH', () => ops.rmsNorm(x(2, 3), x(2), 1e-5)],
  ['rotary tables of another length', 'SHAPE_MISMATCH', () => ops.rotary(x(1, 2, 3, 4), x(4, 2), x(4, 2))],
  ['rotary with odd depth', 'SHAPE_MISMATCH', () => ops.rotary(x(1, 2, 3, 3), x(3, 1), x(3, 1))],
  [
    '3 heads over 2 groups',
    'SHAPE_MISMATCH',
    () => ops.attention({ q: x(1, 3, 2, 2), k: x(1, 2, 2, 2), v: x(1, 2, 2, 2), scale: 1 }),
  ],
  ['labels for other rows', 'SHAPE_MISMATCH', () => ops.linearCrossEntropy(x(2, 3), x(5, 3), ids(3))],
  ['constant data of another size', 'SHAPE_MISMATCH', () => ops.constant(Float32Array.of(1, 2), [3])],
];

for (const [name, code, build] of refused)
  test(`refused: ${name}`, () => {
    assert.throws(build, (error: unknown) => (error as { info?: { code: string } }).info?.code === code);
  });

test('an error carries the shapes and says what to check', () => {
  assert.throws(() => ops.add(x(2), x(3)), {
    info: { code: 'SHAPE_MISMATCH', op: 'Add', shapes: [[2], [3]] },
    message: 'Add cannot combine (2) and (3): check the shapes of its inputs',
  });
});

const made: readonly (readonly [Value, Shape])[] = [
  [ops.add(x(2, 1, 3), x(4, 1)), [2, 4, 3]],
  [ops.matmul(x(5, 2, 3), x(4, 3), { transposeB: true }), [5, 2, 4]],
  [ops.matmul(x(2, 1, 3, 4), x(5, 4, 6)), [2, 5, 3, 6]],
  [ops.reduceMean(x(2, 3, 4), [0, 2]), [3]],
  [ops.reduceMean(x(2, 3, 4), [0, 2], { keepDims: true }), [1, 3, 1]],
  [ops.gather(x(7, 3), ids(2, 4)), [2, 4, 3]],
  [ops.scatterAddRows(x(2, 4, 3), ids(2, 4), 7), [7, 3]],
  [ops.placeRows(x(2, 3), ids(2), 7), [7, 3]],
];
test('shapes of what can be written', () => {
  for (const [value, shape] of made) assert.deepEqual(value.shape, shape, value.op);
});
