/** @file What ONNX Runtime computes for each op, against plain JavaScript in double precision. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '@alice/protocol';
import * as ops from '../graph/operations.js';
import { topologicalOrder } from '../graph/topologicalOrder.js';
import { type OpName, type Shape, sizeOf, type Value } from '../graph/value.js';
import { openSession } from '../session/openSession.js';
import { tensorOf } from '../session/tensorData.js';
import { emitters } from './emitters.js';

const ATOL = 2e-6;
const RTOL = 5e-6;

type Numbers = ArrayLike<number>;
interface Case {
  readonly name: string;
  readonly shapes: readonly Shape[];
  readonly make: (...inputs: Value[]) => Value;
  readonly reference: (...inputs: Numbers[]) => number[];
}

const LABELS = [2, 0, 2, 1];
const labels = ops.constant(Int32Array.from(LABELS), [4]);
const ANGLES = Array.from({ length: 6 }, (_, i) => 0.7 * i);
const range = (count: number): number[] => [...Array(count).keys()];
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const rowsOf = (x: Numbers, width: number): number[][] =>
  range(x.length / width).map((row) => Array.from(x).slice(row * width, (row + 1) * width));
const eachOf = (make: (x: Value) => Value, f: (x: number) => number, name: string): Case => ({
  name,
  shapes: [[2, 3]],
  make,
  reference: (x) => Array.from(x, f),
});
const pairsOf = (
  make: (a: Value, b: Value) => Value,
  f: (a: number, b: number) => number,
  name: string,
): Case => ({
  name,
  shapes: [[2, 3], [3]],
  make,
  reference: (a, b) => Array.from(a, (value, i) => f(value, b[i % 3]!)),
});
const softmaxOf = (row: readonly number[]): number[] => {
  const total = sum(row.map(Math.exp));
  return row.map((value) => Math.exp(value) / total);
};
const product = (a: number[][], b: number[][]): number[][] =>
  a.map((row) => range(b[0]!.length).map((j) => sum(row.map((value, k) => value * b[k]![j]!))));
const turned = (a: number[][]): number[][] => range(a[0]!.length).map((j) => a.map((row) => row[j]!));
const logitsOf = (h: Numbers, w: Numbers): number[][] => product(rowsOf(h, 3), turned(rowsOf(w, 3)));
const expSum = (row: readonly number[]): number =>
  sum(row.map((value) => Math.exp(value - Math.max(...row))));
const rms = (row: readonly number[], epsilon: number): number =>
  Math.sqrt(sum(row.map((v) => v * v)) / row.length + epsilon);

/** Heads (H, T, D) of one sequence, by the definition of causal attention, one query at a time. */
function attentionByHand(q: Numbers, k: Numbers, v: Numbers): { out: number[]; probabilities: number[] } {
  const [time, depth, heads, group] = [3, 2, 4, 2];
  const at = (x: Numbers, head: number, t: number): number[] =>
    range(depth).map((d) => x[(head * time + t) * depth + d]!);
  const out: number[] = [];
  const probabilities: number[] = [];
  for (let h = 0; h < heads; h++)
    for (let t = 0; t < time; t++) {
      const kv = Math.floor(h / group);
      const scores = range(t + 1).map((s) => 0.7 * sum(at(q, h, t).map((x, d) => x * at(k, kv, s)[d]!)));
      const p = softmaxOf(scores);
      probabilities.push(...p, ...Array(time - p.length).fill(0));
      out.push(...range(depth).map((d) => sum(p.map((weight, s) => weight * at(v, kv, s)[d]!))));
    }
  return { out, probabilities };
}

const cases: Case[] = [
  pairsOf(ops.add, (a, b) => a + b, 'Add'),
  pairsOf(ops.sub, (a, b) => a - b, 'Sub'),
  pairsOf(ops.mul, (a, b) => a * b, 'Mul'),
  pairsOf(ops.div, (a, b) => a / b, 'Div'),
  eachOf(ops.neg, (x) => -x, 'Neg'),
  eachOf(ops.exp, Math.exp, 'Exp'),
  eachOf(ops.log, Math.log, 'Log'),
  eachOf(ops.sqrt, Math.sqrt, 'Sqrt'),
  eachOf(ops.reciprocal, (x) => 1 / x, 'Reciprocal'),
  eachOf(ops.sigmoid, (x) => 1 / (1 + Math.exp(-x)), 'Sigmoid'),
  eachOf(ops.silu, (x) => x / (1 + Math.exp(-x)), 'Silu'),
  {
    name: 'SwiGlu',
    shapes: [
      [2, 3],
      [2, 3],
    ],
    make: ops.swiGlu,
    reference: (x, u) => Array.from(x, (v, i) => (u[i]! * v) / (1 + Math.exp(-v))),
  },
  {
    name: 'AddEntries: positions in row-major order, equal ones add up',
    shapes: [[2, 3], [4]],
    make: (x, values) => ops.addEntries(x, ops.constant(Int32Array.of(5, 0, 5, 1), [4]), values),
    reference: (x, v) => [x[0]! + v[1]!, x[1]! + v[3]!, x[2]!, x[3]!, x[4]!, x[5]! + v[0]! + v[2]!],
  },
  {
    name: 'MatMulAdd',
    shapes: [
      [3, 2],
      [4, 3],
      [2, 4],
    ],
    make: (a, b, c) => ops.matmulAdd([a, b], c, { transposeA: true, transposeB: true }),
    reference: (a, b, c) =>
      product(turned(rowsOf(a, 2)), turned(rowsOf(b, 3)))
        .flat()
        .map((value, i) => value + c[i]!),
  },
  {
    name: 'MatMul',
    shapes: [
      [2, 3],
      [3, 4],
    ],
    make: (a, b) => ops.matmul(a, b),
    reference: (a, b) => product(rowsOf(a, 3), rowsOf(b, 4)).flat(),
  },
  {
    name: 'MatMul AᵀBᵀ',
    shapes: [
      [3, 2],
      [4, 3],
    ],
    make: (a, b) => ops.matmul(a, b, { transposeA: true, transposeB: true }),
    reference: (a, b) => product(turned(rowsOf(a, 2)), turned(rowsOf(b, 3))).flat(),
  },
  {
    name: 'MatMul batched AᵀBᵀ',
    shapes: [
      [2, 3, 2],
      [2, 4, 3],
    ],
    make: (a, b) => ops.matmul(a, b, { transposeA: true, transposeB: true }),
    reference: (a, b) =>
      range(2).flatMap((i) =>
        product(
          turned(rowsOf(a, 2).slice(3 * i, 3 * i + 3)),
          turned(rowsOf(b, 3).slice(4 * i, 4 * i + 4)),
        ).flat(),
      ),
  },
  { name: 'Softmax', shapes: [[2, 3]], make: ops.softmax, reference: (x) => rowsOf(x, 3).flatMap(softmaxOf) },
  {
    name: 'LogSoftmax',
    shapes: [[2, 3]],
    make: ops.logSoftmax,
    reference: (x) => rowsOf(x, 3).flatMap(softmaxOf).map(Math.log),
  },
  {
    name: 'ReduceSum',
    shapes: [[2, 3]],
    make: (x) => ops.reduceSum(x, [1]),
    reference: (x) => rowsOf(x, 3).map(sum),
  },
  {
    name: 'ReduceMean',
    shapes: [[2, 3]],
    make: (x) => ops.reduceMean(x, [0]),
    reference: (x) => turned(rowsOf(x, 3)).map((c) => sum(c) / 2),
  },
  {
    name: 'ReduceMax',
    shapes: [[2, 3]],
    make: (x) => ops.reduceMax(x, [1]),
    reference: (x) => rowsOf(x, 3).map((row) => Math.max(...row)),
  },
  { name: 'Reshape', shapes: [[2, 3]], make: (x) => ops.reshape(x, [3, 2]), reference: (x) => Array.from(x) },
  {
    name: 'Expand',
    shapes: [[3]],
    make: (x) => ops.expand(x, [2, 3]),
    reference: (x) => [...Array.from(x), ...Array.from(x)],
  },
  {
    name: 'Transpose',
    shapes: [[2, 3]],
    make: (x) => ops.transpose(x, [1, 0]),
    reference: (x) => turned(rowsOf(x, 3)).flat(),
  },
  {
    name: 'Slice',
    shapes: [[2, 3]],
    make: (x) => ops.slice(x, { axis: 1, start: 1, end: 3 }),
    reference: (x) => rowsOf(x, 3).flatMap((row) => row.slice(1)),
  },
  {
    name: 'Pad',
    shapes: [[2, 3]],
    make: (x) => ops.pad(x, { axis: 1, before: 1, after: 0 }),
    reference: (x) => rowsOf(x, 3).flatMap((row) => [0, ...row]),
  },
  {
    name: 'Concat',
    shapes: [
      [2, 1],
      [2, 2],
    ],
    make: (a, b) => ops.concat([a, b], 1),
    reference: (a, b) => [a[0]!, b[0]!, b[1]!, a[1]!, b[2]!, b[3]!],
  },
  {
    name: 'Gather',
    shapes: [[3, 2]],
    make: (x) => ops.gather(x, labels),
    reference: (x) => LABELS.flatMap((id) => rowsOf(x, 2)[id]!),
  },
  {
    name: 'ScatterAddRows',
    shapes: [[4, 2]],
    make: (x) => ops.scatterAddRows(x, labels, 4),
    reference: (x) =>
      range(4).flatMap((row) =>
        range(2).map((c) => sum(LABELS.map((id, i) => (id === row ? x[2 * i + c]! : 0)))),
      ),
  },
  {
    name: 'PlaceRows',
    shapes: [[3, 2]],
    make: (x) => ops.placeRows(x, ops.constant(Int32Array.of(4, 0, 2), [3]), 5),
    reference: (x) => [x[2]!, x[3]!, 0, 0, x[4]!, x[5]!, 0, 0, x[0]!, x[1]!],
  },
  {
    name: 'InverseRms',
    shapes: [[2, 3]],
    make: (x) => ops.inverseRms(x, 0.1),
    reference: (x) => rowsOf(x, 3).map((row) => 1 / rms(row, 0.1)),
  },
  {
    name: 'RmsNorm',
    shapes: [[2, 3], [3]],
    make: (x, w) => ops.rmsNorm(x, w, 0.1),
    reference: (x, w) =>
      rowsOf(x, 3).flatMap((row) => row.map((value, i) => (value * w[i]!) / rms(row, 0.1))),
  },
  {
    name: 'Rotary',
    shapes: [[2, 2, 3, 4]],
    make: (x) =>
      ops.rotary(
        x,
        ops.constant(Float32Array.from(ANGLES, Math.cos), [3, 2]),
        ops.constant(Float32Array.from(ANGLES, Math.sin), [3, 2]),
      ),
    reference: (x) =>
      rowsOf(x, 4).flatMap((row, at) => {
        const angle = (i: number): number => ANGLES[(at % 3) * 2 + (i % 2)]!;
        const other = [-row[2]!, -row[3]!, row[0]!, row[1]!];
        return row.map((value, i) => value * Math.cos(angle(i)) + other[i]! * Math.sin(angle(i)));
      }),
  },
  {
    name: 'AttentionProbabilities',
    shapes: [
      [1, 4, 3, 2],
      [1, 2, 3, 2],
    ],
    make: (q, k) => ops.attentionProbabilities(q, k, 0.7),
    reference: (q, k) => attentionByHand(q, k, k).probabilities,
  },
  {
    name: 'Attention',
    shapes: [
      [1, 4, 3, 2],
      [1, 2, 3, 2],
      [1, 2, 3, 2],
    ],
    make: (q, k, v) => ops.attention({ q, k, v, scale: 0.7 }),
    reference: (q, k, v) => attentionByHand(q, k, v).out,
  },
  {
    name: 'LinearCrossEntropy',
    shapes: [
      [4, 3],
      [5, 3],
    ],
    make: (h, w) => ops.linearCrossEntropy(h, w, labels),
    reference: (h, w) => logitsOf(h, w).map((row, i) => -Math.log(softmaxOf(row)[LABELS[i]!]!)),
  },
  {
    name: 'PredictionError',
    shapes: [
      [4, 3],
      [5, 3],
    ],
    make: (h, w) => ops.predictionError(h, w, labels),
    reference: (h, w) =>
      logitsOf(h, w).flatMap((row, i) =>
        softmaxOf(row).map((p, j) => (p - (j === LABELS[i] ? 1 : 0)) * expSum(row)),
      ),
  },
  {
    name: 'ExpLogitSum',
    shapes: [
      [4, 3],
      [5, 3],
    ],
    make: (h, w) => ops.expLogitSum(h, w, labels),
    reference: (h, w) => logitsOf(h, w).map(expSum),
  },
];

for (const { name, shapes, make, reference } of cases)
  test(`forward ${name}`, async () => {
    const random = seededRandom(name);
    // Positive, so that logarithms and roots take part; differences and products still cover both signs.
    const data = shapes.map((shape) =>
      Float32Array.from({ length: sizeOf(shape) }, () => 0.2 + 1.5 * random.unit()),
    );
    const session = await openSession(
      { y: make(...shapes.map((shape, i) => ops.input(`x${i}`, shape))) },
      { threads: 1 },
    );
    const feeds = Object.fromEntries(shapes.map((shape, i) => [`x${i}`, tensorOf(data[i]!, shape)]));
    const { y } = await session.run(feeds);
    const want = reference(...data);
    assert.equal(y!.data.length, want.length);
    for (const [i, value] of want.entries())
      assert.ok(
        Math.abs(y!.data[i]! - value) <= ATOL + RTOL * Math.abs(value),
        `[${i}] is ${y!.data[i]}, not ${value}`,
      );
    await session.release();
  });

test('forward Cast: halves, subnormal and largest among them, come out as the numbers they stand for', async () => {
  const session = await openSession({ y: ops.widen(ops.input('x', [5], 'float16')) }, { threads: 1 });
  const halves = Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7bff, 0x8000);
  const { y } = await session.run({ x: tensorOf(halves, [5]) });
  assert.deepEqual([...y!.data], [1, -2, 2 ** -24, 65_504, -0]);
  await session.release();
});

test('forward LargestAt and PickAlong: by magnitude, signs kept, the first of equals', async () => {
  const x = ops.input('x', [2, 4]);
  const at = ops.largestAt(x, 2);
  const session = await openSession({ at, picked: ops.pickAlong(x, at) }, { threads: 1 });
  const data = Float32Array.of(1, -4, 3, 0, 2, -2, 2, 1);
  const { at: positions, picked } = await session.run({ x: tensorOf(data, [2, 4]) });
  assert.deepEqual([...positions!.data], [1, 2, 0, 1]);
  assert.deepEqual([...picked!.data], [-4, 3, 2, -2]);
  await session.release();
});

test('every emitter is run by a case above', () => {
  const graphs = cases.map(({ shapes, make }) => make(...shapes.map((s, i) => ops.input(`x${i}`, s))));
  const run = new Set<OpName>(topologicalOrder(graphs).map(({ op }) => op));
  for (const op of ['Cast', 'LargestAt', 'PickAlong'] as const) run.add(op);
  assert.deepEqual(
    (Object.keys(emitters) as OpName[]).filter((op) => !run.has(op)),
    [],
  );
});
