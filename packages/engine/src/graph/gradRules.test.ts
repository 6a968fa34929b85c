/** @file Every gradient rule against central differences of the forward graph, in FP32, over shapes that broadcast. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '@alice/protocol';
import { openSession } from '../session/openSession.js';
import { type TensorData, tensorOf } from '../session/tensorData.js';
import { gradients } from './gradients.js';
import { gradRules } from './gradRules.js';
import * as ops from './operations.js';
import { topologicalOrder } from './topologicalOrder.js';
import { type OpName, type Shape, sizeOf, type Value } from './value.js';

/** Five-point central differences: error ~STEP⁴ from curvature, ~1e-7/STEP from FP32 rounding. */
const STEP = 0.03;
const ATOL = 1e-4;
const RTOL = 2e-3;

interface Case {
  readonly name: string;
  readonly shapes: readonly Shape[];
  readonly make: (...inputs: Value[]) => Value;
  /** Inputs are uniform within; default [−1.5, 1.5]. */
  readonly range?: readonly [number, number];
}

const LABELS = ops.constant(Int32Array.of(2, 0, 2, 1), [4]);
const SQUARE_LABELS = ops.constant(Int32Array.of(2, 0, 2, 1), [2, 2]);
const angles = Float32Array.from({ length: 6 }, (_, i) => 0.7 * i);
const COS = ops.constant(angles.map(Math.cos), [3, 2]);
const SIN = ops.constant(angles.map(Math.sin), [3, 2]);
const POSITIVE = [0.4, 2] as const;

const broadcasting: readonly (readonly [Shape, Shape])[] = [
  [
    [2, 3],
    [2, 3],
  ],
  [[2, 3], [3]],
  [
    [2, 1, 3],
    [4, 1],
  ],
  [[], [2, 2]],
];
const binary = (
  name: string,
  make: (a: Value, b: Value) => Value,
  range?: readonly [number, number],
): Case[] =>
  broadcasting.map((shapes) => ({
    name: `${name} (${shapes.join(') (')})`,
    shapes,
    make,
    ...(range && { range }),
  }));
const unary = (name: string, make: (x: Value) => Value, range?: readonly [number, number]): Case[] =>
  [[5], [2, 3], [2, 2, 3]].map((shape) => ({
    name: `${name} (${shape})`,
    shapes: [shape],
    make,
    ...(range && { range }),
  }));

const cases: Case[] = [
  ...binary('Add', ops.add),
  ...binary('Sub', ops.sub),
  ...binary('Mul', ops.mul),
  ...binary('Div', ops.div, POSITIVE),
  ...unary('Neg', ops.neg),
  ...unary('Exp', ops.exp),
  ...unary('Log', ops.log, POSITIVE),
  ...unary('Sqrt', ops.sqrt, POSITIVE),
  ...unary('Reciprocal', ops.reciprocal, POSITIVE),
  ...unary('Sigmoid', ops.sigmoid),
  ...unary('Silu', ops.silu),
  {
    name: 'SwiGlu',
    shapes: [
      [2, 3],
      [2, 3],
    ],
    make: ops.swiGlu,
  },
  {
    name: 'AddEntries',
    shapes: [[2, 3]],
    make: (x) => ops.addEntries(ops.mul(x, x), LABELS, ops.constant(Float32Array.of(1, 2, 3, 4), [4])),
  },
  ...[false, true].flatMap((transposeA) =>
    [false, true].map((transposeB) => ({
      name: `MatMulAdd, transposed ${transposeA} ${transposeB}`,
      shapes: [transposeA ? [3, 2] : [2, 3], transposeB ? [4, 3] : [3, 4], [2, 4]],
      make: (a: Value, b: Value, c: Value) => ops.matmulAdd([a, b], c, { transposeA, transposeB }),
    })),
  ),
  {
    name: 'a·b + a·c: a gradient that is a sum of two products',
    shapes: [
      [2, 3],
      [3, 4],
      [3, 4],
    ],
    make: (a, b, c) => ops.mul(ops.matmul(a, b), ops.matmul(a, c)),
  },
  ...unary('Softmax', ops.softmax),
  ...unary('LogSoftmax', ops.logSoftmax),
  {
    name: 'MatMul 2-D',
    shapes: [
      [3, 4],
      [4, 2],
    ],
    make: (a, b) => ops.matmul(a, b),
  },
  {
    name: 'MatMul Aᵀ',
    shapes: [
      [4, 3],
      [4, 2],
    ],
    make: (a, b) => ops.matmul(a, b, { transposeA: true }),
  },
  {
    name: 'MatMul Bᵀ',
    shapes: [
      [3, 4],
      [2, 4],
    ],
    make: (a, b) => ops.matmul(a, b, { transposeB: true }),
  },
  {
    name: 'MatMul AᵀBᵀ',
    shapes: [
      [4, 3],
      [2, 4],
    ],
    make: (a, b) => ops.matmul(a, b, { transposeA: true, transposeB: true }),
  },
  {
    name: 'MatMul rows × 2-D',
    shapes: [
      [2, 3, 4],
      [4, 2],
    ],
    make: (a, b) => ops.matmul(a, b),
  },
  {
    name: 'MatMul rows × 2-Dᵀ',
    shapes: [
      [2, 3, 4],
      [2, 4],
    ],
    make: (a, b) => ops.matmul(a, b, { transposeB: true }),
  },
  {
    name: 'MatMul batched',
    shapes: [
      [2, 3, 4],
      [2, 4, 2],
    ],
    make: (a, b) => ops.matmul(a, b),
  },
  {
    name: 'MatMul batched Bᵀ',
    shapes: [
      [2, 3, 4],
      [2, 2, 4],
    ],
    make: (a, b) => ops.matmul(a, b, { transposeB: true }),
  },
  {
    name: 'MatMul batched AᵀBᵀ',
    shapes: [
      [2, 4, 3],
      [2, 2, 4],
    ],
    make: (a, b) => ops.matmul(a, b, { transposeA: true, transposeB: true }),
  },
  {
    name: 'MatMul broadcast batch',
    shapes: [
      [2, 1, 3, 2],
      [3, 2, 2],
    ],
    make: (a, b) => ops.matmul(a, b),
  },
  { name: 'ReduceSum', shapes: [[2, 3, 2]], make: (x) => ops.reduceSum(x, [1]) },
  { name: 'ReduceSum all', shapes: [[2, 3]], make: (x) => ops.reduceSum(x, [0, 1]) },
  { name: 'ReduceSum kept', shapes: [[2, 3, 2]], make: (x) => ops.reduceSum(x, [0, -1], { keepDims: true }) },
  { name: 'ReduceMean', shapes: [[2, 3, 2]], make: (x) => ops.reduceMean(x, [0, 1]) },
  { name: 'Reshape', shapes: [[2, 6]], make: (x) => ops.reshape(x, [3, -1]) },
  { name: 'Expand', shapes: [[2, 1]], make: (x) => ops.expand(x, [3, 2, 4]) },
  { name: 'Transpose', shapes: [[2, 3, 4]], make: (x) => ops.transpose(x, [2, 0, 1]) },
  { name: 'Slice', shapes: [[2, 5]], make: (x) => ops.slice(x, { axis: -1, start: 1, end: 4 }) },
  {
    name: 'Slices that tile',
    shapes: [[4, 2]],
    make: (x) =>
      ops.mul(ops.slice(x, { axis: 0, start: 0, end: 2 }), ops.slice(x, { axis: 0, start: 2, end: 4 })),
  },
  {
    name: 'Slices that overlap',
    shapes: [[4, 2]],
    make: (x) =>
      ops.mul(ops.slice(x, { axis: 0, start: 0, end: 3 }), ops.slice(x, { axis: 0, start: 1, end: 4 })),
  },
  { name: 'Pad', shapes: [[2, 3]], make: (x) => ops.pad(x, { axis: 1, before: 2, after: 1 }) },
  {
    name: 'Concat',
    shapes: [
      [2, 1],
      [2, 3],
      [2, 2],
    ],
    make: (...parts) => ops.concat(parts, 1),
  },
  { name: 'Gather, repeated rows', shapes: [[3, 2]], make: (x) => ops.gather(x, LABELS) },
  { name: 'Gather, 2-D indices', shapes: [[3, 2]], make: (x) => ops.gather(x, SQUARE_LABELS) },
  { name: 'ScatterAddRows', shapes: [[4, 2]], make: (x) => ops.scatterAddRows(x, LABELS, 3) },
  {
    name: 'PlaceRows',
    shapes: [[3, 2]],
    make: (x) => ops.placeRows(x, ops.constant(Int32Array.of(4, 0, 2), [3]), 5),
  },
  ...unary('InverseRms', (x) => ops.inverseRms(x, 0.1)),
  { name: 'RmsNorm', shapes: [[2, 3, 4], [4]], make: (x, w) => ops.rmsNorm(x, w, 0.01) },
  { name: 'Rotary', shapes: [[2, 2, 3, 4]], make: (x) => ops.rotary(x, COS, SIN) },
  {
    name: 'AttentionProbabilities',
    shapes: [
      [1, 4, 3, 2],
      [1, 2, 3, 2],
    ],
    make: (q, k) => ops.attentionProbabilities(q, k, 0.7),
  },
  {
    name: 'Attention',
    shapes: [
      [2, 2, 3, 2],
      [2, 2, 3, 2],
      [2, 2, 3, 2],
    ],
    make: (q, k, v) => ops.attention({ q, k, v, scale: 0.7 }),
  },
  {
    name: 'Attention, grouped',
    shapes: [
      [1, 4, 3, 2],
      [1, 2, 3, 2],
      [1, 2, 3, 4],
    ],
    make: (q, k, v) => ops.attention({ q, k, v, scale: 0.7 }),
  },
  {
    name: 'LinearCrossEntropy',
    shapes: [
      [4, 3],
      [5, 3],
    ],
    make: (hidden, weight) => ops.linearCrossEntropy(hidden, weight, LABELS),
  },
  { name: 'x·x + x/x', shapes: [[3]], make: (x) => ops.add(ops.mul(x, x), ops.div(x, ops.exp(x))) },
];

for (const item of cases) test(`gradient of ${item.name}`, () => compareWithDifferences(item));

test('every op with a gradient rule is checked by a case above', () => {
  const checked = new Set(
    cases.flatMap(({ shapes, make }) => topologicalOrder([make(...inputsOf(shapes))]).map(({ op }) => op)),
  );
  const unchecked = (Object.keys(gradRules) as OpName[]).filter(
    (op) => gradRules[op] !== 'no-gradient' && !checked.has(op),
  );
  assert.deepEqual(unchecked, []);
});

function inputsOf(shapes: readonly Shape[]): Value<'Input'>[] {
  return shapes.map((shape, i) => ops.input(`x${i}`, shape));
}

async function compareWithDifferences({ name, shapes, make, range = [-1.5, 1.5] }: Case): Promise<void> {
  const random = seededRandom(name);
  const draw = (shape: Shape): Float32Array =>
    Float32Array.from({ length: sizeOf(shape) }, () => range[0] + (range[1] - range[0]) * random.unit());
  const inputs = inputsOf(shapes);
  const y = make(...inputs);
  const seed = Float32Array.from({ length: sizeOf(y.shape) }, () => 2 * random.unit() - 1);
  const wanted = gradients(y, inputs, ops.constant(seed, y.shape));
  const session = await openSession(
    { y, ...Object.fromEntries(wanted.map((g, i) => [`g${i}`, g])) },
    { threads: 1 },
  );
  const feeds = Object.fromEntries(shapes.map((shape, i) => [`x${i}`, tensorOf(draw(shape), shape)]));
  const project = async (): Promise<number> => dot((await session.run(feeds)).y!, seed);
  const exact = await session.run(feeds);
  for (const [i, shape] of shapes.entries()) {
    assert.deepEqual(wanted[i]!.shape, shape);
    const { data } = feeds[`x${i}`]!;
    for (let at = 0; at < data.length; at++) {
      const want = await difference(data as Float32Array, at, project);
      const got = exact[`g${i}`]!.data[at]!;
      assert.ok(
        Math.abs(got - want) <= ATOL + RTOL * Math.abs(want),
        `${name}: d/dx${i}[${at}] is ${got}, not ${want}`,
      );
    }
  }
  await session.release();
}

/** (8·(f(+h) − f(−h)) − (f(+2h) − f(−2h))) / 12h. */
async function difference(data: Float32Array, at: number, f: () => Promise<number>): Promise<number> {
  const before = data[at]!;
  const shifted = async (steps: number): Promise<number> => {
    data[at] = before + steps * STEP;
    const result = await f();
    data[at] = before;
    return result;
  };
  const near = (await shifted(1)) - (await shifted(-1));
  return (8 * near - (await shifted(2)) + (await shifted(-2))) / (12 * STEP);
}

function dot({ data }: TensorData, weights: Float32Array): number {
  return weights.reduce((sum, weight, i) => sum + weight * data[i]!, 0);
}
