/**
 * @file The functions graphs are written with. Each makes one checked node (a few make two or three); all take and
 * return values and compute nothing. Axes may be negative here (from the end) and are made positive.
 */
import { EngineError } from '../errors.js';
import { node } from './node.js';
import { type DType, type Shape, sameShape, type Value } from './value.js';

/** A value fed at run time under `name`. */
export function input(name: string, shape: Shape, dtype: DType = 'float32'): Value<'Input'> {
  return node('Input', [], { name, shape, dtype });
}

/** A value stored in the graph. For small tables; weights are inputs. */
export function constant(data: Float32Array | Int32Array, shape: Shape): Value<'Constant'> {
  return node('Constant', [], { data, shape });
}

export function scalar(value: number): Value<'Constant'> {
  return constant(Float32Array.of(value), []);
}

/** `value` everywhere. */
export function filled(value: number, shape: Shape): Value {
  return expand(scalar(value), shape);
}

export const add = (a: Value, b: Value): Value => node('Add', [a, b], {});
export const sub = (a: Value, b: Value): Value => node('Sub', [a, b], {});
export const mul = (a: Value, b: Value): Value => node('Mul', [a, b], {});
export const div = (a: Value, b: Value): Value => node('Div', [a, b], {});
export const neg = (x: Value): Value => node('Neg', [x], {});
export const exp = (x: Value): Value => node('Exp', [x], {});
export const log = (x: Value): Value => node('Log', [x], {});
export const sqrt = (x: Value): Value => node('Sqrt', [x], {});
export const reciprocal = (x: Value): Value => node('Reciprocal', [x], {});
export const sigmoid = (x: Value): Value => node('Sigmoid', [x], {});
/** x·sigmoid(x) (Elfwing et al. 2017, arXiv:1702.03118). */
export const silu = (x: Value): Value => node('Silu', [x], {});
/** silu(gate)·value (Shazeer 2020, arXiv:2002.05202). One op, because its gradient then keeps only its two inputs. */
export const swiGlu = (gate: Value, value: Value): Value => node('SwiGlu', [gate, value], {});
/** Over the last axis. */
export const softmax = (x: Value): Value => node('Softmax', [x], {});
/** Over the last axis. */
export const logSoftmax = (x: Value): Value => node('LogSoftmax', [x], {});

export interface MatMulOptions {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
}

/**
 * (…, M, K) × (…, K, N) → (…, M, N). A 2-D right side takes all rows of the left side in one product, which is one
 * large Gemm forward and, above all, one for the gradient of a weight instead of a sum over the batch.
 */
export function matmul(a: Value, b: Value, options: MatMulOptions = {}): Value {
  const { transposeA = false, transposeB = false } = options;
  if (b.shape.length !== 2 || a.shape.length <= 2 || transposeA)
    return node('MatMul', [a, b], { transposeA, transposeB });
  const depth = a.shape.at(-1)!;
  const product = node('MatMul', [reshape(a, [-1, depth]), b], { transposeA, transposeB });
  return reshape(product, [...a.shape.slice(0, -1), product.shape[1]!]);
}

/** a·b + c in one product that adds as it goes; a, b and c have two dimensions, c that of the result. */
export function matmulAdd(factors: readonly [Value, Value], c: Value, options: MatMulOptions = {}): Value {
  const { transposeA = false, transposeB = false } = options;
  return node('MatMulAdd', [...factors, c], { transposeA, transposeB });
}

interface ReduceOptions {
  readonly keepDims?: boolean;
}

export function reduceSum(
  x: Value,
  axes: readonly number[],
  { keepDims = false }: ReduceOptions = {},
): Value {
  return node('ReduceSum', [x], { axes: positive(axes, x), keepDims });
}

export function reduceMean(
  x: Value,
  axes: readonly number[],
  { keepDims = false }: ReduceOptions = {},
): Value {
  return node('ReduceMean', [x], { axes: positive(axes, x), keepDims });
}

export function reduceMax(
  x: Value,
  axes: readonly number[],
  { keepDims = false }: ReduceOptions = {},
): Value {
  return node('ReduceMax', [x], { axes: positive(axes, x), keepDims });
}

/** Row-major; one dimension may be −1: whatever is left. */
export function reshape(x: Value, shape: Shape): Value {
  const known = shape.reduce((product, dim) => (dim === -1 ? product : product * dim), 1);
  const size = x.shape.reduce((product, dim) => product * dim, 1);
  const full = shape.map((dim) => (dim === -1 ? size / known : dim));
  return sameShape(full, x.shape) ? x : node('Reshape', [x], { shape: full });
}

/** Repeats `x` to `shape` by the broadcasting rule. */
export function expand(x: Value, shape: Shape): Value {
  return sameShape(shape, x.shape) ? x : node('Expand', [x], { shape });
}

export function transpose(x: Value, perm: readonly number[]): Value {
  return node('Transpose', [x], { perm });
}

/** Elements `start` (inclusive) to `end` (exclusive) along one axis. */
export function slice(x: Value, { axis, start, end }: { axis: number; start: number; end: number }): Value {
  const at = positiveAxis(axis, x);
  return start === 0 && end === x.shape[at] ? x : node('Slice', [x], { axis: at, start, end });
}

/** Zeros before and after along one axis. */
export function pad(
  x: Value,
  { axis, before, after }: { axis: number; before: number; after: number },
): Value {
  return before === 0 && after === 0 ? x : node('Pad', [x], { axis: positiveAxis(axis, x), before, after });
}

export function concat(values: readonly Value[], axis: number): Value {
  const [first] = values;
  if (values.length === 1) return first!;
  return node('Concat', values, { axis: first ? positiveAxis(axis, first) : axis });
}

/** FP16 as FP32: exact. */
export function widen(x: Value): Value {
  return node('Cast', [x], {});
}

/** x with values (K) added at the row-major positions (K) int32; equal positions add up. */
export function addEntries(x: Value, positions: Value, values: Value): Value {
  return node('AddEntries', [x, positions, values], {});
}

/** Where the `count` elements of largest magnitude of each row are: (N, M) → (N, count) int32, largest first. */
export function largestAt(x: Value, count: number): Value {
  return node('LargestAt', [x], { count });
}

/** One element for each position: x (N, M), positions (N, K) int32 → (N, K). */
export function pickAlong(x: Value, positions: Value): Value {
  return node('PickAlong', [x, positions], {});
}

/** Rows of a table: table (R, …), indices (I…) int32 → (I…, …). Indices must lie within [0, R). */
export function gather(table: Value, indices: Value): Value {
  return node('Gather', [table, indices], {});
}

/** The transpose of `gather`: adds each row into place `indices` of a zero table of `rows` rows. */
export function scatterAddRows(values: Value, indices: Value, rows: number): Value {
  return node('ScatterAddRows', [values, indices], { rows });
}

/** A table of `rows` rows with these rows at `places` (K) int32, all different, and zeros elsewhere: values (K, C). */
export function placeRows(values: Value, places: Value, rows: number): Value {
  return node('PlaceRows', [values, places], { rows });
}

/** 1/√(mean(x²) + ε) over the last axis, which stays as 1. */
export function inverseRms(x: Value, epsilon: number): Value {
  return node('InverseRms', [x], { epsilon });
}

/** x·w/√(mean(x²) + ε) over the last axis (Zhang & Sennrich 2019, arXiv:1910.07467). */
export function rmsNorm(x: Value, weight: Value, epsilon: number): Value {
  return node('RmsNorm', [x, weight], { epsilon });
}

/**
 * Rotary position embedding (Su et al. 2021, arXiv:2104.09864) in the half-rotation form of the Llama family: channel
 * i pairs with i + D/2. x (B, H, T, D); cos, sin (T, D/2); the result has the shape of x.
 */
export function rotary(x: Value, cos: Value, sin: Value): Value {
  return node('Rotary', [x, cos, sin], {});
}

/**
 * Causal softmax(scale·q·kᵀ) of the last T of S positions, grouped: q (B, H, T, D), k (B, KV, S, D) →
 * (B, KV, H/KV·T, S).
 */
export function attentionProbabilities(q: Value, k: Value, scale: number): Value {
  return node('AttentionProbabilities', [q, k], { scale });
}

/** Queries computed at once: with the keys after such a block nothing is computed. Smaller blocks are more, slower products. */
const QUERY_BLOCK = 128;

/**
 * Causal grouped-query attention (Ainslie et al. 2023, arXiv:2305.13245): query head h reads key/value head
 * ⌊h·KV/H⌋. q (B, H, T, D), k (B, KV, T, D), v (B, KV, T, E) → (B, H, T, E).
 */
export function attention(inputs: { q: Value; k: Value; v: Value; scale: number }): Value {
  const { q, k, v, scale } = inputs;
  const time = q.shape[2]!;
  const blocks: Value[] = [];
  for (let start = 0; start < time; start += QUERY_BLOCK) {
    const end = Math.min(start + QUERY_BLOCK, time);
    const own = slice(q, { axis: 2, start, end });
    const seen = [k, v].map((x) => slice(x, { axis: 2, start: 0, end })) as [Value, Value];
    blocks.push(node('Attention', [own, ...seen], { scale }));
  }
  return concat(blocks, 2);
}

/**
 * Loss in nats of each row: −log softmax(hidden·weightᵀ)[label]. hidden (N, C), weight (V, C), labels (N) int32 → (N).
 * One op, because its gradient then needs no pass over the (N, V) logits but the softmax itself.
 */
export function linearCrossEntropy(hidden: Value, weight: Value, labels: Value): Value {
  return node('LinearCrossEntropy', [hidden, weight, labels], {});
}

/**
 * s·(softmax(hidden·weightᵀ) − onehot(labels)): (N, V). With s = `expLogitSum` taken out, the gradient of the summed
 * loss by the logits; s is left to the narrow side of the products that follow, so no pass divides the widest matrix.
 */
export function predictionError(hidden: Value, weight: Value, labels: Value): Value {
  return node('PredictionError', [hidden, weight, labels], {});
}

/** Σ exp(logit − largest logit) of each row of hidden·weightᵀ: (N, 1), at least 1. */
export function expLogitSum(hidden: Value, weight: Value, labels: Value): Value {
  return node('ExpLogitSum', [hidden, weight, labels], {});
}

function positive(axes: readonly number[], x: Value): number[] {
  return axes.map((axis) => positiveAxis(axis, x));
}

function positiveAxis(axis: number, x: Value): number {
  const at = axis < 0 ? axis + x.shape.length : axis;
  if (Number.isInteger(at) && at >= 0 && at < x.shape.length) return at;
  const info = { code: 'ATTRIBUTE_INVALID', op: x.op, attribute: 'axis' } as const;
  throw new EngineError(info, `axis ${axis} is outside a value of rank ${x.shape.length}`);
}
