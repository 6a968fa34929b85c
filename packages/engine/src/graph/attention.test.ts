/** @file Attention over more queries than are computed at once: values by the definition, gradients by its elementary ops. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '@alice/protocol';
import { openSession } from '../session/openSession.js';
import { tensorOf } from '../session/tensorData.js';
import { gradients } from './gradients.js';
import * as ops from './operations.js';
import { sizeOf, type Value } from './value.js';

const [TIME, DEPTH, HEADS] = [300, 2, 2]; // two heads read one of keys; 300 queries are two blocks and a part
const SCALE = 0.7;
const shapes = { q: [1, HEADS, TIME, DEPTH], k: [1, 1, TIME, DEPTH], v: [1, 1, TIME, DEPTH] } as const;
const random = seededRandom('attention');
const feeds = Object.fromEntries(
  Object.entries(shapes).map(([name, shape]) => [
    name,
    tensorOf(
      Float32Array.from({ length: sizeOf(shape) }, () => random.normal()),
      shape,
    ),
  ]),
);
const seed = ops.constant(
  Float32Array.from({ length: HEADS * TIME * DEPTH }, () => random.normal()),
  shapes.q,
);

/** The same by softmax over all keys, those after the query pushed away. */
function elementary(q: Value, k: Value, v: Value): Value {
  const mask = Float32Array.from({ length: TIME * TIME }, (_, i) =>
    i % TIME > Math.floor(i / TIME) ? -1e9 : 0,
  );
  const scores = ops.mul(ops.matmul(q, k, { transposeB: true }), ops.scalar(SCALE));
  return ops.matmul(ops.softmax(ops.add(scores, ops.constant(mask, [TIME, TIME]))), v);
}

test('blocks of queries give the values and gradients of the whole', async () => {
  const [q, k, v] = Object.entries(shapes).map(([name, shape]) => ops.input(name, shape)) as [
    Value,
    Value,
    Value,
  ];
  const outputs: Record<string, Value> = {};
  const ways = { blocks: ops.attention({ q, k, v, scale: SCALE }), whole: elementary(q, k, v) };
  for (const [way, y] of Object.entries(ways)) {
    const [dQ, dK, dV] = gradients(y, [q, k, v], seed);
    Object.assign(outputs, { [`${way} y`]: y, [`${way} q`]: dQ, [`${way} k`]: dK, [`${way} v`]: dV });
  }
  const session = await openSession(outputs, { threads: 1 });
  const results = await session.run(feeds);
  await session.release();
  const numbers = (name: string): Float64Array => Float64Array.from(results[name]!.data);
  for (const part of ['y', 'q', 'k', 'v']) {
    const [blocks, whole] = [numbers(`blocks ${part}`), numbers(`whole ${part}`)];
    const largest = whole.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
    const worst = whole.reduce((max, value, i) => Math.max(max, Math.abs(value - blocks[i]!)), 0);
    assert.ok(largest > 0.1 && worst < 3e-6 * largest, `${part}: off by ${worst}, largest ${largest}`);
  }
});

test('keys after a block of queries take no part: the first block is attention over its own length', () => {
  const [q, k, v] = Object.values(shapes).map((shape, i) => ops.input(`x${i}`, shape)) as [
    Value,
    Value,
    Value,
  ];
  const whole = ops.attention({ q, k, v, scale: SCALE });
  assert.deepEqual(
    whole.inputs.map((block) => [block.op, ...block.inputs.map((x) => x.shape[2])]),
    [
      ['Attention', 128, 128, 128],
      ['Attention', 128, 256, 256],
      ['Attention', 44, 300, 300],
    ],
  );
});
