/**
 * @file The graph: a value is the node that makes it (every op has one output), holding its inputs by reference. So a
 * graph is the set of values reachable from its outputs; there is no builder object and no global state. Values are
 * immutable. `OpTable` lists every op there is; the shape, gradient and ONNX tables are typed by it, so that a missing
 * row in one of them does not compile.
 */

/** float16 is for storage alone: such values are fed as their bits and only `Cast` reads them. */
export type DType = 'float32' | 'int32' | 'float16';
export type Shape = readonly number[];

/** What is known of a value before it is computed. */
export interface ValueType {
  readonly shape: Shape;
  readonly dtype: DType;
}

export interface Value<K extends OpName = OpName> extends ValueType {
  readonly op: K;
  readonly inputs: OpTable[K]['inputs'];
  readonly attributes: OpTable[K]['attributes'];
}

type None = Readonly<Record<never, never>>;
interface Unary<A = None> {
  inputs: readonly [Value];
  attributes: A;
}
interface Binary<A = None> {
  inputs: readonly [Value, Value];
  attributes: A;
}
interface Reduce extends Unary {
  attributes: { readonly axes: readonly number[]; readonly keepDims: boolean };
}

/** Which inputs and attributes each op has. Axes are never negative here. */
export interface OpTable {
  // leaves
  Input: { inputs: readonly []; attributes: { readonly name: string } & ValueType };
  Constant: {
    inputs: readonly [];
    attributes: { readonly data: Float32Array | Int32Array; readonly shape: Shape };
  };
  // elementwise, NumPy broadcasting
  Add: Binary;
  Sub: Binary;
  Mul: Binary;
  Div: Binary;
  Neg: Unary;
  Exp: Unary;
  Log: Unary;
  Sqrt: Unary;
  Reciprocal: Unary;
  Sigmoid: Unary;
  Silu: Unary;
  SwiGlu: Binary;
  // products
  MatMul: Binary<{ readonly transposeA: boolean; readonly transposeB: boolean }>;
  MatMulAdd: {
    inputs: readonly [Value, Value, Value];
    attributes: { readonly transposeA: boolean; readonly transposeB: boolean };
  };
  // along axes
  Softmax: Unary;
  LogSoftmax: Unary;
  ReduceSum: Reduce;
  ReduceMean: Reduce;
  ReduceMax: Reduce;
  // layout
  Reshape: Unary<{ readonly shape: Shape }>;
  Expand: Unary<{ readonly shape: Shape }>;
  Transpose: Unary<{ readonly perm: readonly number[] }>;
  Slice: Unary<{ readonly axis: number; readonly start: number; readonly end: number }>;
  Pad: Unary<{ readonly axis: number; readonly before: number; readonly after: number }>;
  Cast: Unary;
  LargestAt: Unary<{ readonly count: number }>;
  PickAlong: Binary;
  Concat: { inputs: readonly Value[]; attributes: { readonly axis: number } };
  // rows
  Gather: Binary;
  AddEntries: { inputs: readonly [Value, Value, Value]; attributes: None };
  ScatterAddRows: Binary<{ readonly rows: number }>;
  PlaceRows: Binary<{ readonly rows: number }>;
  // parts of a transformer whose gradients are cheaper by their own formula than by their parts'
  InverseRms: Unary<{ readonly epsilon: number }>;
  RmsNorm: Binary<{ readonly epsilon: number }>;
  Rotary: { inputs: readonly [Value, Value, Value]; attributes: None };
  AttentionProbabilities: Binary<{ readonly scale: number }>;
  Attention: { inputs: readonly [Value, Value, Value]; attributes: { readonly scale: number } };
  LinearCrossEntropy: { inputs: readonly [Value, Value, Value]; attributes: None };
  PredictionError: { inputs: readonly [Value, Value, Value]; attributes: None };
  ExpLogitSum: { inputs: readonly [Value, Value, Value]; attributes: None };
}

export type OpName = keyof OpTable;

/** Number of elements: the product of the dimensions. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((product, dim) => product * dim, 1);
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dim, i) => dim === b[i]);
}
