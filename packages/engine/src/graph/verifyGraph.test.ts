/** @file The verifier finds what was not made by `node`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as ops from './operations.js';
import type { Value } from './value.js';
import { verifyGraph } from './verifyGraph.js';

const x = ops.input('x', [2, 3]);

test('a graph made with the operations passes', () => {
  verifyGraph({ y: ops.add(ops.softmax(x), x) });
});

test('a node that claims another shape than its op makes is named', () => {
  const forged: Value = { ...ops.neg(x), shape: [3, 2] };
  assert.throws(() => verifyGraph({ y: ops.exp(forged) }), {
    info: { code: 'GRAPH_INVALID', op: 'Neg', position: 1 },
    message: 'node 1 (Neg) says float32 (3,2), its inputs make float32 (2,3)',
  });
});

test('a node whose inputs its op refuses is refused as when it is made', () => {
  const forged: Value = { ...ops.add(x, x), inputs: [x, ops.input('z', [4])] };
  assert.throws(() => verifyGraph({ y: forged }), {
    info: { code: 'SHAPE_MISMATCH', op: 'Add', shapes: [[2, 3], [4]] },
  });
});

test('two inputs, or an input and an output, of one name are refused', () => {
  const info = { code: 'NAME_DUPLICATE', name: 'x' };
  assert.throws(() => verifyGraph({ y: ops.add(x, ops.input('x', [3])) }), { info });
  assert.throws(() => verifyGraph({ x: ops.neg(x) }), { info });
});
