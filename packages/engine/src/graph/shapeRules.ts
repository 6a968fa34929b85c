/**
 * @file What each op may look like and what it makes: one rule an op, from its inputs and attributes to the type of its
 * output, or a refusal. Runs when a node is made and again in `verifyGraph`. Shapes are static: no unknown dimensions.
 */
import { EngineError, type EngineErrorInfo } from '../errors.js';
import { broadcastShapes } from './broadcast.js';
import {
  type DType,
  type OpName,
  type OpTable,
  type Shape,
  sameShape,
  sizeOf,
  type ValueType,
} from './value.js';

/** Ops of one float32 input that keep its shape. */
type UnaryOp = 'Neg' | 'Exp' | 'Log' | 'Sqrt' | 'Reciprocal' | 'Sigmoid' | 'Silu' | 'Softmax' | 'LogSoftmax';
type Inputs<K extends OpName> = OpTable[K]['inputs'];
export type ShapeRule<K extends OpName> = (
  inputs: Inputs<K>,
  attributes: OpTable[K]['attributes'],
) => ValueType;

export const shapeRules: { [K in OpName]: ShapeRule<K> } = {
  Input: (_, { shape, dtype }) => ({ shape: dimensions('Input', shape), dtype }),
  Constant: (_, { data, shape }) => {
    if (data.length !== sizeOf(shape)) throw misfit('Constant', [[data.length], shape]);
    return {
      shape: dimensions('Constant', shape),
      dtype: data instanceof Float32Array ? 'float32' : 'int32',
    };
  },
  Add: elementwise('Add'),
  Sub: elementwise('Sub'),
  Mul: elementwise('Mul'),
  Div: elementwise('Div'),
  Neg: sameAsInput('Neg'),
  Exp: sameAsInput('Exp'),
  Log: sameAsInput('Log'),
  Sqrt: sameAsInput('Sqrt'),
  Reciprocal: sameAsInput('Reciprocal'),
  Sigmoid: sameAsInput('Sigmoid'),
  Silu: sameAsInput('Silu'),
  SwiGlu: ([gate, value]) => {
    wantTypes('SwiGlu', [gate, value], ['float32', 'float32']);
    if (!sameShape(gate.shape, value.shape)) throw misfit('SwiGlu', [gate.shape, value.shape]);
    return { shape: gate.shape, dtype: 'float32' };
  },
  MatMul: matMulShape,
  MatMulAdd: ([a, b, c], flags) => {
    const product = matMulShape([a, b], flags);
    wantTypes('MatMulAdd', [c], ['float32']);
    if (product.shape.length !== 2 || !sameShape(product.shape, c.shape))
      throw misfit('MatMulAdd', [a.shape, b.shape, c.shape]);
    return product;
  },
  Softmax: sameAsInput('Softmax', 1),
  LogSoftmax: sameAsInput('LogSoftmax', 1),
  ReduceSum: reduction('ReduceSum'),
  ReduceMean: reduction('ReduceMean'),
  ReduceMax: reduction('ReduceMax'),
  Reshape: ([x], { shape }) => {
    if (sizeOf(x.shape) !== sizeOf(shape)) throw misfit('Reshape', [x.shape, shape]);
    return { shape: dimensions('Reshape', shape), dtype: x.dtype };
  },
  Expand: ([x], { shape }) => {
    const wide = broadcastShapes(x.shape, shape);
    if (!wide || !sameShape(wide, shape)) throw misfit('Expand', [x.shape, shape]);
    return { shape, dtype: x.dtype };
  },
  Transpose: ([x], { perm }) => {
    const sorted = [...perm].sort((a, b) => a - b);
    check(sorted.length === x.shape.length && sorted.every((p, i) => p === i), 'Transpose', 'perm');
    return { shape: perm.map((p) => x.shape[p]!), dtype: x.dtype };
  },
  Slice: ([x], { axis, start, end }) => {
    check(axis in x.shape, 'Slice', 'axis');
    check(start >= 0 && start < end && end <= x.shape[axis]!, 'Slice', 'start,end');
    return { shape: x.shape.with(axis, end - start), dtype: x.dtype };
  },
  Pad: ([x], { axis, before, after }) => {
    wantTypes('Pad', [x], ['float32']);
    check(axis in x.shape, 'Pad', 'axis');
    check(before >= 0 && after >= 0, 'Pad', 'before,after');
    return { shape: x.shape.with(axis, before + x.shape[axis]! + after), dtype: x.dtype };
  },
  Concat: concatShape,
  LargestAt: ([x], { count }) => {
    wantTypes('LargestAt', [x], ['float32']);
    if (x.shape.length !== 2) throw misfit('LargestAt', [x.shape]);
    check(Number.isInteger(count) && count > 0 && count <= x.shape[1]!, 'LargestAt', 'count');
    return { shape: [x.shape[0]!, count], dtype: 'int32' };
  },
  PickAlong: ([x, positions]) => {
    wantTypes('PickAlong', [x, positions], ['float32', 'int32']);
    if (x.shape.length !== 2 || positions.shape.length !== 2 || x.shape[0] !== positions.shape[0])
      throw misfit('PickAlong', [x.shape, positions.shape]);
    return { shape: positions.shape, dtype: 'float32' };
  },
  Cast: ([x]) => {
    wantTypes('Cast', [x], ['float16']);
    return { shape: x.shape, dtype: 'float32' };
  },
  AddEntries: ([x, positions, values]) => {
    wantTypes('AddEntries', [x, positions, values], ['float32', 'int32', 'float32']);
    if (positions.shape.length !== 1 || !sameShape(positions.shape, values.shape))
      throw misfit('AddEntries', [x.shape, positions.shape, values.shape]);
    return { shape: x.shape, dtype: 'float32' };
  },
  Gather: ([table, indices]) => {
    wantTypes('Gather', [table, indices], ['float32', 'int32']);
    if (table.shape.length === 0) throw misfit('Gather', [table.shape, indices.shape]);
    return { shape: [...indices.shape, ...table.shape.slice(1)], dtype: 'float32' };
  },
  ScatterAddRows: ([rows, indices], attributes) => {
    wantTypes('ScatterAddRows', [rows, indices], ['float32', 'int32']);
    const lead = rows.shape.slice(0, indices.shape.length);
    if (!sameShape(lead, indices.shape)) throw misfit('ScatterAddRows', [rows.shape, indices.shape]);
    check(attributes.rows > 0, 'ScatterAddRows', 'rows');
    return { shape: [attributes.rows, ...rows.shape.slice(indices.shape.length)], dtype: 'float32' };
  },
  PlaceRows: ([values, places], { rows }) => {
    wantTypes('PlaceRows', [values, places], ['float32', 'int32']);
    const [count, width] = values.shape;
    if (values.shape.length !== 2 || !sameShape(places.shape, [count!]))
      throw misfit('PlaceRows', [values.shape, places.shape]);
    check(rows >= count!, 'PlaceRows', 'rows');
    return { shape: [rows, width!], dtype: 'float32' };
  },
  InverseRms: ([x]) => {
    wantTypes('InverseRms', [x], ['float32']);
    if (x.shape.length === 0) throw misfit('InverseRms', [x.shape]);
    return { shape: x.shape.with(-1, 1), dtype: 'float32' };
  },
  RmsNorm: ([x, weight]) => {
    wantTypes('RmsNorm', [x, weight], ['float32', 'float32']);
    if (x.shape.length === 0 || !sameShape(weight.shape, x.shape.slice(-1)))
      throw misfit('RmsNorm', [x.shape, weight.shape]);
    return { shape: x.shape, dtype: 'float32' };
  },
  Rotary: rotaryShape,
  AttentionProbabilities: probabilitiesShape,
  Attention: ([q, k, v], attributes) => {
    const { shape } = probabilitiesShape([q, k], attributes);
    wantTypes('Attention', [v], ['float32']);
    if (!sameShape(v.shape.slice(0, 3), k.shape.slice(0, 3)) || v.shape.length !== 4)
      throw misfit('Attention', [q.shape, k.shape, v.shape]);
    return { shape: [shape[0]!, q.shape[1]!, q.shape[2]!, v.shape[3]!], dtype: 'float32' };
  },
  LinearCrossEntropy: ([hidden, weight, labels]) => {
    predictionShape([hidden, weight, labels], {});
    return { shape: labels.shape, dtype: 'float32' };
  },
  PredictionError: predictionShape,
  ExpLogitSum: (inputs) => {
    const { shape, dtype } = predictionShape(inputs, {});
    return { shape: [shape[0]!, 1], dtype };
  },
};

function elementwise<K extends 'Add' | 'Sub' | 'Mul' | 'Div'>(op: K): ShapeRule<K> {
  return ([a, b]) => {
    wantTypes(op, [a, b], ['float32', 'float32']);
    const shape = broadcastShapes(a.shape, b.shape);
    if (!shape) throw misfit(op, [a.shape, b.shape]);
    return { shape, dtype: 'float32' };
  };
}

function sameAsInput<K extends UnaryOp>(op: K, minimumRank = 0): ShapeRule<K> {
  return ([x]) => {
    wantTypes(op, [x], ['float32']);
    if (x.shape.length < minimumRank) throw misfit(op, [x.shape]);
    return { shape: x.shape, dtype: 'float32' };
  };
}

function reduction<K extends 'ReduceSum' | 'ReduceMean' | 'ReduceMax'>(op: K): ShapeRule<K> {
  return ([x], { axes, keepDims }) => {
    wantTypes(op, [x], ['float32']);
    const distinct = new Set(axes).size === axes.length;
    check(axes.length > 0 && distinct && axes.every((axis) => axis in x.shape), op, 'axes');
    const kept = x.shape.map((dim, i) => (axes.includes(i) ? 1 : dim));
    return { shape: keepDims ? kept : kept.filter((_, i) => !axes.includes(i)), dtype: 'float32' };
  };
}

/** (…, M, K) × (…, K, N) → (…, M, N) after the transposes; leading dimensions broadcast. */
function matMulShape([a, b]: Inputs<'MatMul'>, flags: OpTable['MatMul']['attributes']): ValueType {
  wantTypes('MatMul', [a, b], ['float32', 'float32']);
  const [m, k] = flags.transposeA ? [a.shape.at(-1), a.shape.at(-2)] : [a.shape.at(-2), a.shape.at(-1)];
  const [k2, n] = flags.transposeB ? [b.shape.at(-1), b.shape.at(-2)] : [b.shape.at(-2), b.shape.at(-1)];
  const lead = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2));
  if (m === undefined || n === undefined || k !== k2 || !lead) throw misfit('MatMul', [a.shape, b.shape]);
  return { shape: [...lead, m, n], dtype: 'float32' };
}

function concatShape(inputs: Inputs<'Concat'>, { axis }: { readonly axis: number }): ValueType {
  const [first] = inputs;
  if (!first) throw misfit('Concat', []);
  check(axis in first.shape, 'Concat', 'axis');
  for (const { shape, dtype } of inputs) {
    if (shape.length !== first.shape.length || !sameShape(shape.with(axis, 0), first.shape.with(axis, 0)))
      throw misfit(
        'Concat',
        inputs.map((value) => value.shape),
      );
    wantTypes('Concat', [{ shape, dtype }], [first.dtype]);
  }
  return {
    shape: first.shape.with(
      axis,
      inputs.reduce((sum, { shape }) => sum + shape[axis]!, 0),
    ),
    dtype: first.dtype,
  };
}

/** x (B, H, T, D) with cos, sin (T, D/2). */
function rotaryShape([x, cos, sin]: Inputs<'Rotary'>): ValueType {
  wantTypes('Rotary', [x, cos, sin], ['float32', 'float32', 'float32']);
  const table = [x.shape[2]!, x.shape[3]! / 2];
  if (x.shape.length !== 4 || !sameShape(cos.shape, table) || !sameShape(sin.shape, table))
    throw misfit('Rotary', [x.shape, cos.shape, sin.shape]);
  return { shape: x.shape, dtype: 'float32' };
}

/** q (B, H, T, D), k (B, KV, S, D), H a multiple of KV, S ≥ T → (B, KV, H/KV·T, S). */
function probabilitiesShape([q, k]: Inputs<'AttentionProbabilities'>, _: unknown): ValueType {
  wantTypes('Attention', [q, k], ['float32', 'float32']);
  const [batch, heads, time, depth] = q.shape;
  const [, kvHeads, keys] = k.shape;
  if (
    q.shape.length !== 4 ||
    !kvHeads ||
    heads! % kvHeads !== 0 ||
    !(keys! >= time!) ||
    !sameShape(k.shape, [batch!, kvHeads, keys!, depth!])
  )
    throw misfit('Attention', [q.shape, k.shape]);
  return { shape: [batch!, kvHeads, (heads! / kvHeads) * time!, keys!], dtype: 'float32' };
}

/** hidden (N, C), weight (V, C), labels (N) → (N, V). */
function predictionShape([hidden, weight, labels]: Inputs<'PredictionError'>, _: unknown): ValueType {
  wantTypes('LinearCrossEntropy', [hidden, weight, labels], ['float32', 'float32', 'int32']);
  const [rows, width] = hidden.shape;
  const vocab = weight.shape[0];
  const fits =
    hidden.shape.length === 2 &&
    sameShape(weight.shape, [vocab!, width!]) &&
    sameShape(labels.shape, [rows!]);
  if (!fits) throw misfit('LinearCrossEntropy', [hidden.shape, weight.shape, labels.shape]);
  return { shape: [rows!, vocab!], dtype: 'float32' };
}

function dimensions(op: OpName, shape: Shape): Shape {
  check(
    shape.every((dim) => Number.isSafeInteger(dim) && dim > 0),
    op,
    'shape',
  );
  return shape;
}

function wantTypes(op: OpName, values: readonly ValueType[], want: readonly DType[]): void {
  const dtypes = values.map(({ dtype }) => dtype);
  if (!dtypes.every((dtype, i) => dtype === want[i])) throw wrongType(op, dtypes, want);
}

function wrongType(op: OpName, dtypes: readonly DType[], want: readonly DType[]): EngineError {
  return refusal(
    { code: 'DTYPE_MISMATCH', op, dtypes },
    `${op} takes (${want.join(', ')}), not (${dtypes.join(', ')})`,
  );
}

function misfit(op: OpName, shapes: readonly Shape[]): EngineError {
  const text = shapes.map((shape) => `(${shape.join(', ')})`).join(' and ');
  return refusal(
    { code: 'SHAPE_MISMATCH', op, shapes },
    `${op} cannot combine ${text}: check the shapes of its inputs`,
  );
}

function check(holds: boolean, op: OpName, attribute: string): void {
  if (!holds)
    throw refusal({ code: 'ATTRIBUTE_INVALID', op, attribute }, `${op}: ${attribute} does not fit its input`);
}

function refusal(info: EngineErrorInfo, message: string): EngineError {
  return new EngineError(info, message);
}
