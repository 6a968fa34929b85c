/** @file The walker: what it visits, what it refuses, how parts are joined. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openSession } from '../session/openSession.js';
import { tensorOf } from '../session/tensorData.js';
import { gradients } from './gradients.js';
import * as ops from './operations.js';
import { topologicalOrder } from './topologicalOrder.js';
import type { OpName, Value } from './value.js';

const withCode = (code: string) => (error: unknown) =>
  (error as { info?: { code: string } }).info?.code === code;
const opsOf = (values: readonly Value[]): OpName[] => topologicalOrder(values).map(({ op }) => op);

test('a gradient is a graph: x³ differentiated three times is 6', async () => {
  const x = ops.input('x', [2]);
  let y = ops.mul(ops.mul(x, x), x);
  for (let order = 0; order < 2; order++) [y] = gradients(y, [x]) as [Value];
  const [third] = gradients(y, [x]) as [Value];
  const session = await openSession({ y, third: ops.add(third, ops.mul(x, ops.scalar(0))) }, { threads: 1 });
  const result = await session.run({ x: tensorOf(Float32Array.of(2, -1), [2]) });
  assert.deepEqual([...result.y!.data], [12, -6]);
  assert.deepEqual([...result.third!.data], [6, 6]);
  await session.release();
});

test('a value within the graph has a gradient, and wanted values below it still get theirs', async () => {
  const x = ops.input('x', [1]);
  const middle = ops.exp(x);
  const [dMiddle, dx] = gradients(ops.mul(middle, middle), [middle, x]);
  const session = await openSession({ dMiddle: dMiddle!, dx: dx! }, { threads: 1 });
  const result = await session.run({ x: tensorOf(Float32Array.of(0), [1]) });
  assert.deepEqual([result.dMiddle!.data[0], result.dx!.data[0]], [2, 2]);
  await session.release();
});

test('branches that do not lead to a wanted value are not differentiated', () => {
  const x = ops.input('x', [3]);
  const other = ops.input('other', [3]);
  const [dx] = gradients(ops.mul(x, ops.reduceMax(other, [0], { keepDims: true })), [x]);
  // ReduceMax has no gradient rule, and none was asked for: it only scales.
  assert.equal(dx!.op, 'Mul');
  assert.equal(dx!.inputs[1]!.op, 'ReduceMax');
});

test('the gradients of slices that tile a value are concatenated, not padded and added', () => {
  const x = ops.input('x', [4]);
  const half = (start: number): Value => ops.slice(x, { axis: 0, start, end: start + 2 });
  const [dx] = gradients(ops.mul(half(0), half(2)), [x]);
  assert.equal(dx!.op, 'Concat');
  assert.ok(!opsOf([dx!]).includes('Pad'));
});

test('an op without a gradient on the way is refused', () => {
  const x = ops.input('x', [3]);
  assert.throws(() => gradients(ops.reduceMax(x, [0]), [x]), withCode('GRADIENT_MISSING'));
});

test('a value the output does not depend on is refused', () => {
  const [x, y] = [ops.input('x', [3]), ops.input('y', [3])];
  assert.throws(() => gradients(x, [y]), withCode('GRADIENT_UNREACHABLE'));
});

test('ten thousand ops in a row neither overflow the stack nor take long', () => {
  const x = ops.input('x', [1]);
  let y: Value = x;
  for (let i = 0; i < 10_000; i++) y = ops.neg(y);
  const [dx] = gradients(y, [x]);
  assert.equal(topologicalOrder([dx!]).length, 10_000 + 2);
});
