/**
 * @file How a gradient passes each op: from the gradient g of the output y to one gradient per input. Rules are graphs
 * of the same ops. They may leave broadcasting undone: the walker (`gradients`) sums each result to its input's shape
 * and checks it. `null` means the input takes no gradient (indices, tables of angles).
 */
import * as ops from './operations.js';
import type { OpName, OpTable, Shape, Value } from './value.js';

type GradsOf<T extends readonly unknown[]> = { [I in keyof T]: Value | null };
export type GradRule<K extends OpName> = (g: Value, y: Value<K>) => GradsOf<OpTable[K]['inputs']>;

const { add, sub, mul, neg, reshape, matmul, reduceSum } = ops;
const one = ops.scalar(1);

export const gradRules: { [K in OpName]: GradRule<K> | 'no-gradient' } = {
  Input: 'no-gradient', // a leaf: the walk ends here
  Constant: 'no-gradient',
  Add: (g) => [g, g],
  Sub: (g) => [g, neg(g)],
  // y = a·b   ⇒   da = g·b,  db = g·a
  Mul: (g, { inputs: [a, b] }) => [mul(g, b), mul(g, a)],
  // y = a/b   ⇒   da = g/b,  db = −g·y/b
  Div: (g, y) => [ops.div(g, y.inputs[1]), neg(mul(g, ops.div(y, y.inputs[1])))],
  Neg: (g) => [neg(g)],
  Exp: (g, y) => [mul(g, y)],
  Log: (g, { inputs: [x] }) => [ops.div(g, x)],
  // y = √x   ⇒   dx = g/(2y)
  Sqrt: (g, y) => [ops.div(mul(g, ops.scalar(0.5)), y)],
  // y = 1/x   ⇒   dx = −g·y²
  Reciprocal: (g, y) => [neg(mul(g, mul(y, y)))],
  Sigmoid: (g, y) => [mul(g, mul(y, sub(one, y)))],
  // y = x·s, s = sigmoid(x)   ⇒   dx = g·(s + y·(1 − s))
  Silu: (g, y) => {
    const s = ops.sigmoid(y.inputs[0]);
    return [mul(g, add(s, mul(y, sub(one, s))))];
  },
  // y = z·u, z = x·s, s = sigmoid(x)   ⇒   dx = g·u·(s + z·(1 − s)),  du = g·z
  SwiGlu: (g, { inputs: [x, u] }) => {
    const s = ops.sigmoid(x);
    const z = mul(x, s);
    return [mul(mul(g, u), add(s, mul(z, sub(one, s)))), mul(g, z)];
  },
  MatMul: (g, { inputs: [a, b], attributes }) => productGradients(g, [a, b], attributes),
  MatMulAdd: (g, { inputs: [a, b], attributes }) => [...productGradients(g, [a, b], attributes), g],
  Softmax: (g, y) => [softmaxGradient(g, y)],
  // y = x − log Σ eˣ   ⇒   dx = g − eʸ·Σ g
  LogSoftmax: (g, y) => [sub(g, mul(ops.exp(y), reduceSum(g, [-1], { keepDims: true })))],
  ReduceSum: (g, y) => [spread(g, y)],
  ReduceMean: (g, y) => {
    const count = y.attributes.axes.reduce((product, axis) => product * y.inputs[0].shape[axis]!, 1);
    return [spread(mul(g, ops.scalar(1 / count)), y)];
  },
  ReduceMax: 'no-gradient', // used only to keep exponentials finite; nothing differentiates through it
  Reshape: (g, { inputs: [x] }) => [reshape(g, x.shape)],
  Expand: (g) => [g], // the walker sums over what was repeated
  Transpose: (g, { attributes: { perm } }) => [
    ops.transpose(
      g,
      perm.map((_, i) => perm.indexOf(i)),
    ),
  ],
  Slice: (g, { inputs: [x], attributes: { axis, start, end } }) => [
    ops.pad(g, { axis, before: start, after: x.shape[axis]! - end }),
  ],
  Pad: (g, { inputs: [x], attributes: { axis, before } }) => [
    ops.slice(g, { axis, start: before, end: before + x.shape[axis]! }),
  ],
  Concat: (g, { inputs, attributes: { axis } }) => {
    let end = 0;
    return inputs.map((x) => {
      const start = end;
      end += x.shape[axis]!;
      return ops.slice(g, { axis, start, end });
    });
  },
  LargestAt: 'no-gradient', // positions
  PickAlong: 'no-gradient', // reads what is sent; nothing is trained through it
  Cast: 'no-gradient', // stored weights; a gradient is taken by the wide value
  AddEntries: (g) => [g, null, null], // the entries are data
  Gather: (g, { inputs: [table, indices] }) => [ops.scatterAddRows(g, indices, table.shape[0]!), null],
  ScatterAddRows: (g, { inputs: [, indices] }) => [ops.gather(g, indices), null],
  PlaceRows: (g, { inputs: [, places] }) => [ops.gather(g, places), null],
  // y = (mean(x²) + ε)^(−½)   ⇒   dx = −g·y³·x/n
  InverseRms: (g, y) => {
    const [x] = y.inputs;
    return [mul(x, mul(g, mul(mul(y, y), mul(y, ops.scalar(-1 / x.shape.at(-1)!)))))];
  },
  // y = n·w, n = r·x, h = g·w   ⇒   dx = r·(h − n·mean(h·n)),  dw = g·n
  RmsNorm: (g, { inputs: [x, weight], attributes: { epsilon } }) => {
    const r = ops.inverseRms(x, epsilon);
    const normed = mul(x, r);
    const h = mul(g, weight);
    const along = ops.reduceMean(mul(h, normed), [-1], { keepDims: true });
    return [mul(r, sub(h, mul(normed, along))), mul(g, normed)];
  },
  // A rotation: its transpose turns by the opposite angle. Angles are constants of the model.
  Rotary: (g, { inputs: [, cos, sin] }) => [ops.rotary(g, cos, neg(sin)), null, null],
  AttentionProbabilities: (g, y) => scoreGradients(softmaxGradient(g, y), y),
  Attention: attentionGradients,
  // Δ = s·(softmax(h·Wᵀ) − onehot)   ⇒   dh = g/s·(Δ·W),  dW = Δᵀ·(g/s·h): g/s scales the narrow side, never (N, V)
  LinearCrossEntropy: (g, { inputs: [hidden, weight, labels] }) => {
    const error = ops.predictionError(hidden, weight, labels);
    const rows = ops.div(reshape(g, [-1, 1]), ops.expLogitSum(hidden, weight, labels)); // (N, 1)
    return [mul(matmul(error, weight), rows), matmul(error, mul(hidden, rows), { transposeA: true }), null];
  },
  PredictionError: 'no-gradient', // second derivatives of the loss are not offered
  ExpLogitSum: 'no-gradient',
};

/** y = a·b   ⇒   da = g·bᵀ,  db = aᵀ·g, each written so that no operand need be turned first. */
function productGradients(
  g: Value,
  [a, b]: readonly [Value, Value],
  { transposeA, transposeB }: OpTable['MatMul']['attributes'],
): [Value, Value] {
  return [
    transposeA
      ? matmul(b, g, { transposeA: transposeB, transposeB: true })
      : matmul(g, b, { transposeB: !transposeB }),
    transposeB
      ? matmul(g, a, { transposeA: true, transposeB: transposeA })
      : matmul(a, g, { transposeA: !transposeA }),
  ];
}

/** y = softmax(x)   ⇒   dx = y·(g − Σ g·y). */
function softmaxGradient(g: Value, y: Value): Value {
  return mul(y, sub(g, reduceSum(mul(g, y), [-1], { keepDims: true })));
}

/** A reduction's gradient repeated along the reduced axes. */
function spread(g: Value, y: Value<'ReduceSum' | 'ReduceMean'>): Value {
  const [x] = y.inputs;
  const kept: Shape = x.shape.map((dim, i) => (y.attributes.axes.includes(i) ? 1 : dim));
  return ops.expand(reshape(g, kept), x.shape);
}

/** From the gradient of the scores (before scaling) to those of q and k; heads of a group stand one under another. */
function scoreGradients(
  dScores: Value,
  { inputs: [q, k], attributes: { scale } }: Value<'AttentionProbabilities'>,
): [Value, Value] {
  const grouped = reshape(q, [...k.shape.slice(0, 2), -1, q.shape[3]!]); // (B, KV, H/KV·T, D)
  const factor = ops.scalar(scale);
  const dQ = reshape(mul(matmul(dScores, k), factor), q.shape); // (B, H, T, D)
  return [dQ, mul(matmul(dScores, grouped, { transposeA: true }), factor)]; // (B, KV, S, D)
}

/**
 * O = P·V. The softmax's own Σ dP·P over a row equals Σ dO·O (Dao et al. 2022, arXiv:2205.14135, eq. 4), which is
 * narrower by T/D.
 */
function attentionGradients(g: Value, y: Value<'Attention'>): [Value, Value, Value] {
  const [q, k, v] = y.inputs;
  const p = ops.attentionProbabilities(q, k, y.attributes.scale) as Value<'AttentionProbabilities'>;
  const grouped = [...k.shape.slice(0, 2), -1, v.shape[3]!];
  const dO = reshape(g, grouped); // (B, KV, H/KV·T, E)
  const along = reduceSum(mul(dO, reshape(y, grouped)), [-1], { keepDims: true });
  const dScores = mul(p, sub(matmul(dO, v, { transposeB: true }), along)); // (B, KV, H/KV·T, S)
  return [...scoreGradients(dScores, p), matmul(p, dO, { transposeA: true })];
}
