/**
 * @file How each op is written in ONNX (opset 18 and ONNX Runtime's own domain): one emitter an op, giving the name of
 * the output. Emitters decide cost, never meaning. ONNX Runtime fuses transposes and constant factors into products.
 */
import type { OpName, Value } from '../graph/value.js';
import { sizeOf } from '../graph/value.js';
import {
  floatAttribute,
  intAttribute,
  intsAttribute,
  type Lowering,
  MICROSOFT,
  stringAttribute,
} from './Lowering.js';
import { type AttributeMessage, ELEMENT_TYPE } from './schema.js';

/** Writes one value whose inputs have the given names. */
export type Emitter<K extends OpName> = (to: Lowering, inputs: readonly string[], value: Value<K>) => string;

const LAST = intAttribute('axis', -1);
const KEEP = intAttribute('keepdims', 1);
/** Added to a forbidden score: a weight below 1e-38, which no FP32 sum notices. Unlike −∞ it cannot make a NaN. */
const FORBIDDEN = -1e9;

export const emitters: { [K in OpName]: Emitter<K> } = {
  Input: (_, __, { attributes: { name } }) => name,
  Constant: (to, _, { attributes: { data, shape } }) =>
    data instanceof Float32Array && shape.length === 0 ? to.float(data[0]!) : to.tensor(data, shape),
  Add: direct('Add'),
  Sub: direct('Sub'),
  Mul: direct('Mul'),
  Div: direct('Div'),
  Neg: direct('Neg'),
  Exp: direct('Exp'),
  Log: direct('Log'),
  Sqrt: direct('Sqrt'),
  Reciprocal: direct('Reciprocal'),
  Sigmoid: direct('Sigmoid'),
  Silu: (to, [x]) => to.emit('Mul', { inputs: [x!, to.emit('Sigmoid', { inputs: [x!] })] }),
  // QuickGelu with α = 1 is silu in one pass.
  SwiGlu: (to, [gate, value]) => {
    const attributes = [floatAttribute('alpha', 1)];
    const gated = to.emit('QuickGelu', { inputs: [gate!], attributes, domain: MICROSOFT });
    return to.emit('Mul', { inputs: [gated, value!] });
  },
  MatMul: emitMatMul,
  MatMulAdd: (to, inputs, { attributes }) => to.product('Gemm', inputs, gemmFlags(attributes)),
  Softmax: (to, inputs) => to.emit('Softmax', { inputs, attributes: [LAST] }),
  LogSoftmax: (to, inputs) => to.emit('LogSoftmax', { inputs, attributes: [LAST] }),
  ReduceSum: reduction('ReduceSum'),
  ReduceMean: reduction('ReduceMean'),
  ReduceMax: reduction('ReduceMax'),
  Reshape: (to, [x], { shape }) => to.emit('Reshape', { inputs: [x!, to.ints(shape)] }),
  Expand: (to, [x], { shape }) => to.emit('Expand', { inputs: [x!, to.ints(shape)] }),
  Transpose: (to, inputs, { attributes: { perm } }) =>
    to.emit('Transpose', { inputs, attributes: [intsAttribute('perm', perm)] }),
  Slice: (to, [x], { attributes: { axis, start, end } }) =>
    to.emit('Slice', { inputs: [x!, to.ints([start]), to.ints([end]), to.ints([axis])] }),
  Pad: (to, [x], { attributes: { axis, before, after } }) =>
    to.emit('Pad', { inputs: [x!, to.ints([before, after]), to.float(0), to.ints([axis])] }),
  Concat: (to, inputs, { attributes: { axis } }) =>
    to.emit('Concat', { inputs, attributes: [intAttribute('axis', axis)] }),
  LargestAt: (to, inputs, { attributes: { count } }) => {
    const magnitudes = to.emit('Abs', { inputs });
    const found = to.emit('TopK', { inputs: [magnitudes, to.ints([count])], attributes: [LAST], output: 1 });
    return to.emit('Cast', { inputs: [found], attributes: [castTo('int32')] });
  },
  PickAlong: (to, [x, positions]) => emitPick(to, x!, positions!),
  Cast: (to, inputs) => to.emit('Cast', { inputs, attributes: [castTo('float32')] }),
  AddEntries: (to, [x, positions, values], { shape }) => {
    const attributes = [intAttribute('axis', 0), stringAttribute('reduction', 'add')];
    const flat = to.emit('Reshape', { inputs: [x!, to.ints([-1])] });
    const changed = to.emit('ScatterElements', { inputs: [flat, positions!, values!], attributes });
    return to.emit('Reshape', { inputs: [changed, to.ints(shape)] });
  },
  Gather: (to, inputs) => to.emit('Gather', { inputs, attributes: [intAttribute('axis', 0)] }),
  ScatterAddRows: emitScatterAddRows,
  PlaceRows: emitPlaceRows,
  InverseRms: (to, [x], { attributes: { epsilon } }) => emitInverseRms(to, x!, epsilon),
  RmsNorm: (to, [x, weight], { attributes: { epsilon } }) =>
    to.emit('SimplifiedLayerNormalization', {
      inputs: [x!, weight!],
      attributes: [LAST, floatAttribute('epsilon', epsilon), intAttribute('stash_type', 1)],
    }),
  Rotary: emitRotary,
  AttentionProbabilities: (to, [q, k], value) => emitProbabilities(to, { q: q!, k: k! }, value),
  Attention: emitAttention,
  LinearCrossEntropy: emitLinearCrossEntropy,
  PredictionError: emitPredictionError,
  ExpLogitSum: (to, inputs) => emitLogitParts(to, inputs).sum,
};

/** An op that ONNX has under the same meaning. */
function direct(opType: string): (to: Lowering, inputs: readonly string[]) => string {
  return (to, inputs) => to.emit(opType, { inputs });
}

function reduction<K extends 'ReduceSum' | 'ReduceMean' | 'ReduceMax'>(opType: K): Emitter<K> {
  return (to, [x], { attributes: { axes, keepDims } }) =>
    to.emit(opType, {
      inputs: [x!, to.ints(axes)],
      attributes: [intAttribute('keepdims', Number(keepDims))],
    });
}

function emitMatMul(
  to: Lowering,
  [a, b]: readonly string[],
  { inputs, attributes }: Value<'MatMul'>,
): string {
  const { transposeA, transposeB } = attributes;
  if (inputs.every((x) => x.shape.length === 2)) return to.product('Gemm', [a!, b!], gemmFlags(attributes));
  const left = transposeA ? swapLastTwo(to, a!, inputs[0].shape.length) : a!;
  const right = transposeB ? swapLastTwo(to, b!, inputs[1].shape.length) : b!;
  return to.product('MatMul', [left, right]);
}

function gemmFlags({ transposeA, transposeB }: Value<'MatMul'>['attributes']): AttributeMessage[] {
  return [intAttribute('transA', Number(transposeA)), intAttribute('transB', Number(transposeB))];
}

function swapLastTwo(to: Lowering, x: string, rank: number): string {
  const perm = [...Array(rank - 2).keys(), rank - 1, rank - 2];
  return to.emit('Transpose', { inputs: [x], attributes: [intsAttribute('perm', perm)] });
}

/**
 * onehot(indices)ᵀ·rows, so that equal indices need no atomic addition. Cost: a matrix of indices × rows. It is made by
 * comparing: WebGPU has no OneHot, and would have the matrix sent from the processor.
 */
function emitScatterAddRows(
  to: Lowering,
  [rows, indices]: readonly string[],
  value: Value<'ScatterAddRows'>,
): string {
  const [{ shape }, { shape: indexShape }] = value.inputs;
  const count = sizeOf(indexShape);
  const flatRows = to.emit('Reshape', { inputs: [rows!, to.ints([count, sizeOf(shape) / count])] });
  const column = to.emit('Reshape', { inputs: [indices!, to.ints([count, 1])] });
  const numbers = Int32Array.from({ length: value.attributes.rows }, (_, row) => row);
  const isRow = to.emit('Equal', { inputs: [column, to.tensor(numbers, [1, numbers.length])] });
  const oneHot = to.emit('Cast', { inputs: [isRow], attributes: [castTo('float32')] });
  const sums = to.emit('Gemm', { inputs: [oneHot, flatRows], attributes: [intAttribute('transA', 1)] });
  return to.emit('Reshape', { inputs: [sums, to.ints(value.shape)] });
}

/**
 * The zeros are made from places times 0, at run time: of constants ONNX Runtime would make the whole table when the
 * graph is opened, and keep it.
 */
function emitPlaceRows(
  to: Lowering,
  [values, places]: readonly string[],
  { shape }: Value<'PlaceRows'>,
): string {
  const column = to.emit('Reshape', { inputs: [places!, to.ints([-1, 1])] });
  const numbers = to.emit('Cast', { inputs: [column], attributes: [castTo('float32')] });
  const nothing = to.emit('Mul', { inputs: [numbers, to.float(0)] });
  const zero = to.emit('ReduceMax', { inputs: [nothing, to.ints([0])], attributes: [KEEP] });
  const zeros = to.emit('Expand', { inputs: [zero, to.ints(shape)] });
  const rows = to.emit('Cast', { inputs: [column], attributes: [castTo('int64')] });
  return to.emit('ScatterND', { inputs: [zeros, rows, values!] });
}

const castTo = (type: keyof typeof ELEMENT_TYPE): AttributeMessage => intAttribute('to', ELEMENT_TYPE[type]);

function emitInverseRms(to: Lowering, x: string, epsilon: number): string {
  const square = to.emit('Mul', { inputs: [x, x] });
  const mean = to.emit('ReduceMean', {
    inputs: [square, to.ints([-1])],
    attributes: [KEEP],
  });
  const root = to.emit('Sqrt', { inputs: [to.emit('Add', { inputs: [mean, to.float(epsilon)] })] });
  return to.emit('Reciprocal', { inputs: [root] });
}

function emitRotary(to: Lowering, [x, cos, sin]: readonly string[]): string {
  // Position 0 for all rows of the batch: a single offset means positions 0 … T−1.
  const origin = to.ints([0]);
  return to.emit('RotaryEmbedding', {
    inputs: [x!, origin, cos!, sin!],
    attributes: [intAttribute('interleaved', 0)],
    domain: MICROSOFT,
  });
}

function emitProbabilities(
  to: Lowering,
  { q, k }: { q: string; k: string },
  {
    inputs: [{ shape: queries }],
    shape: [batch, kvHeads, rows, keys],
    attributes: { scale },
  }: Value<'AttentionProbabilities'>,
): string {
  const [, , time, depth] = queries;
  const grouped = to.emit('Reshape', { inputs: [q, to.ints([batch!, kvHeads!, rows!, depth!])] });
  const scaled = to.emit('Mul', { inputs: [grouped, to.float(scale)] });
  const scores = to.product('MatMul', [scaled, swapLastTwo(to, k, 4)]);
  const apart = to.emit('Reshape', {
    inputs: [scores, to.ints([batch!, kvHeads!, rows! / time!, time!, keys!])],
  });
  const masked = to.emit('Add', { inputs: [apart, emitCausalMask(to, time!, keys!)] });
  const softmax = to.emit('Softmax', { inputs: [masked], attributes: [LAST] });
  return to.emit('Reshape', { inputs: [softmax, to.ints([batch!, kvHeads!, rows!, keys!])] });
}

/** (T, S): the last T of S positions; FORBIDDEN for keys after the query, else 0. Folded to a constant at opening. */
function emitCausalMask(to: Lowering, time: number, keys: number): string {
  const full = to.emit('Expand', { inputs: [to.float(FORBIDDEN), to.ints([time, keys])] });
  const after = to.int(keys - time + 1);
  return to.emit('Trilu', { inputs: [full, after], attributes: [intAttribute('upper', 1)] });
}

function emitAttention(to: Lowering, [q, k, v]: readonly string[], value: Value<'Attention'>): string {
  const [qValue, kValue] = value.inputs;
  const [batch, heads, time] = qValue.shape;
  const [, kvHeads, keys] = kValue.shape;
  const shape = [batch!, kvHeads!, (heads! / kvHeads!) * time!, keys!];
  const probabilities: Value<'AttentionProbabilities'> = {
    op: 'AttentionProbabilities',
    inputs: [qValue, kValue],
    attributes: value.attributes,
    shape,
    dtype: 'float32',
  };
  const p = emitProbabilities(to, { q: q!, k: k! }, probabilities);
  return to.emit('Reshape', { inputs: [to.product('MatMul', [p, v!]), to.ints(value.shape)] });
}

interface LogitParts {
  /** (N, 1): the logit of the label. */
  readonly picked: string;
  /** (N, 1): the largest logit. */
  readonly top: string;
  /** (N, V): exp(logit − top). */
  readonly exps: string;
  /** (N, 1): Σ exps. */
  readonly sum: string;
  /** (N, 1): int32 */
  readonly column: string;
}

/**
 * The head's rows, in one (N, V) matrix that each step overwrites: ONNX Runtime reuses the memory of an input whose
 * last reader is an elementwise op, so every earlier reader must come first by its data. Hence the subtrahend is
 * max(top, picked), which is top: it makes the picking precede the subtraction.
 */
function emitLogitParts(to: Lowering, [hidden, weight, labels]: readonly string[]): LogitParts {
  const logits = to.product('Gemm', [hidden!, weight!], [intAttribute('transB', 1)]);
  const column = to.emit('Reshape', { inputs: [labels!, to.ints([-1, 1])] });
  const picked = emitPick(to, logits, column);
  const largest = to.emit('ReduceMax', { inputs: [logits, to.ints([-1])], attributes: [KEEP] });
  const top = to.emit('Max', { inputs: [largest, picked] });
  const exps = to.emit('Exp', { inputs: [to.emit('Sub', { inputs: [logits, top] })] });
  const sum = to.emit('ReduceSum', { inputs: [exps, to.ints([-1])], attributes: [KEEP] });
  return { picked, top, exps, sum, column };
}

/** Elements of each row: (N, M), (N, K) → (N, K). */
function emitPick(to: Lowering, matrix: string, column: string): string {
  return to.emit('GatherElements', { inputs: [matrix, column], attributes: [intAttribute('axis', 1)] });
}

/** log Σ exp(logit − top) + top − picked. */
function emitLinearCrossEntropy(
  to: Lowering,
  inputs: readonly string[],
  value: Value<'LinearCrossEntropy'>,
): string {
  const { picked, top, sum } = emitLogitParts(to, inputs);
  const margin = to.emit('Sub', { inputs: [top, picked] });
  const losses = to.emit('Add', { inputs: [to.emit('Log', { inputs: [sum] }), margin] });
  return to.emit('Reshape', { inputs: [losses, to.ints(value.shape)] });
}

/** The exponentials with their sum taken off at each label: one element a row is rewritten, in place. */
function emitPredictionError(to: Lowering, inputs: readonly string[]): string {
  const { picked, top, exps, sum, column } = emitLogitParts(to, inputs);
  const own = to.emit('Exp', { inputs: [to.emit('Sub', { inputs: [picked, top] })] });
  const updates = to.emit('Sub', { inputs: [own, sum] });
  const attributes = [intAttribute('axis', 1)];
  return to.emit('ScatterElements', { inputs: [exps, column, updates], attributes });
}
