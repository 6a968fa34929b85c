/**
 * @file Reverse-mode differentiation: walks a graph from its output back to the wanted values, by `gradRules`. The
 * result is a graph again. The walker alone undoes broadcasting and checks the shape of every gradient, and it visits
 * only values that lie between the wanted ones and the output.
 */
import { EngineError } from '../errors.js';
import { repeatedAxes } from './broadcast.js';
import { type GradRule, gradRules } from './gradRules.js';
import { add, concat, filled, matmulAdd, reduceSum, reshape } from './operations.js';
import { topologicalOrder } from './topologicalOrder.js';
import { type OpName, type Shape, sameShape, type Value } from './value.js';

/**
 * Gradients of Σ output·seed by each of `wanted` (inputs or values within the graph); `seed` is all ones unless given.
 * Throws `GRADIENT_MISSING` (an op on the way has none), `GRADIENT_UNREACHABLE` (the output does not depend on it).
 */
export function gradients(output: Value, wanted: readonly Value[], seed?: Value): Value[] {
  const order = topologicalOrder([output]);
  const relevant = dependents(order, wanted);
  const partsOf = new Map<Value, Value[]>([[output, [fit(seed ?? filled(1, output.shape), output)]]]);
  const gradientOf = new Map<Value, Value>();
  for (const value of order.toReversed()) {
    const parts = partsOf.get(value);
    if (!parts || !relevant.has(value)) continue;
    const g = joinParts(parts);
    gradientOf.set(value, g);
    if (!value.inputs.some((x) => relevant.has(x))) continue;
    const inputParts = inputGradients(value, g);
    value.inputs.forEach((x, i) => {
      const part = inputParts[i];
      if (part && relevant.has(x)) partsOf.set(x, [...(partsOf.get(x) ?? []), fit(part, x)]);
    });
  }
  return wanted.map((value) => gradientOf.get(value) ?? unreachable(value));
}

/** The wanted values and all that is computed from them. */
function dependents(order: readonly Value[], wanted: readonly Value[]): Set<Value> {
  const found = new Set(wanted);
  for (const value of order) if (value.inputs.some((x) => found.has(x))) found.add(value);
  return found;
}

function inputGradients(value: Value, g: Value): readonly (Value | null)[] {
  // The table's type pairs each op with its own rule; TypeScript cannot follow that through a union of ops.
  const rule = gradRules[value.op] as unknown as GradRule<OpName> | 'no-gradient';
  if (rule === 'no-gradient')
    throw new EngineError(
      { code: 'GRADIENT_MISSING', op: value.op },
      `a gradient would have to pass ${value.op}, which has none: write the graph without it, or stop before it`,
    );
  return rule(g, value);
}

/** The sum of what arrives at a value. Padded parts that tile it (its slices' gradients) are laid side by side. */
function joinParts(parts: readonly Value[]): Value {
  return tile(parts) ?? sumOf(parts);
}

/** Products come last, so that each adds onto what there is as it is computed: no pass of its own. */
function sumOf(parts: readonly Value[]): Value {
  const isProduct = (part: Value): part is Value<'MatMul'> => part.op === 'MatMul' && part.shape.length === 2;
  const products = parts.filter(isProduct);
  const others = parts.filter((part) => !isProduct(part));
  const [first, ...rest] = [...others, ...products];
  return rest.reduce(
    (sum, part) => (isProduct(part) ? matmulAdd(part.inputs, sum, part.attributes) : add(sum, part)),
    first!,
  );
}

function tile(parts: readonly Value[]): Value | undefined {
  const pads = parts.filter((part): part is Value<'Pad'> => part.op === 'Pad');
  const axis = pads[0]?.attributes.axis;
  if (axis === undefined || pads.length !== parts.length) return undefined;
  pads.sort((a, b) => a.attributes.before - b.attributes.before);
  let end = 0;
  for (const { inputs, attributes } of pads) {
    if (attributes.axis !== axis || attributes.before !== end) return undefined;
    end += inputs[0].shape[axis]!;
  }
  return end === pads[0]!.shape[axis]
    ? concat(
        pads.map(({ inputs }) => inputs[0]),
        axis,
      )
    : undefined;
}

function fit(part: Value, value: Value): Value {
  const fitted = sumTo(part, value.shape);
  if (sameShape(fitted.shape, value.shape) && fitted.dtype === value.dtype) return fitted;
  throw new Error(`the gradient rule above ${value.op} gave (${part.shape}) for (${value.shape})`);
}

/** Undoes broadcasting: sums over the axes along which a value of `shape` was repeated. */
function sumTo(g: Value, shape: Shape): Value {
  if (sameShape(g.shape, shape)) return g;
  const axes = repeatedAxes(shape, g.shape);
  return axes.length === 0 ? g : reshape(reduceSum(g, axes, { keepDims: true }), shape);
}

function unreachable(value: Value): never {
  throw new EngineError(
    { code: 'GRADIENT_UNREACHABLE', shape: value.shape },
    `the output does not depend on the ${value.op} of shape (${value.shape.join(', ')}): it has no gradient`,
  );
}
