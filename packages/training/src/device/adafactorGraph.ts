/**
 * @file Factored Adafactor as a graph: the formula of `adafactorStep`, in FP32. Sums over a matrix are taken along its rows
 * first: many short sums round less than one long one, and devices compute them side by side.
 */
import {
  add,
  concat,
  div,
  mul,
  reciprocal,
  reduceMax,
  reduceMean,
  reshape,
  scalar,
  sqrt,
  sub,
  type Value,
} from '@alice/engine';
import { SQUARE_FLOOR } from '../optimizers/factoredAdafactor.js';
import type { Updated, UpdateInputs } from './updateGraphs.js';

/** A matrix carries the means of its rows and columns, a vector those of its elements. Scalars: factor, rate, keep, beta2, rest. */
export function adafactorGraph({ weight, gradient, carried, scalar: fed }: UpdateInputs): Updated {
  const g = mul(gradient, fed('factor'));
  const squares = mul(g, g);
  const mixed = (old: Value, mean: Value): Value =>
    add(mul(old, fed('beta2')), mul(add(mean, scalar(SQUARE_FLOOR)), fed('rest')));
  const [rows, columns] = carried as [Value, Value?];
  if (!columns) {
    const means = mixed(rows, squares);
    return { weight: changed(weight, mul(g, inverseRoot(means)), fed), carried: [means] };
  }
  const rowMeans = mixed(rows, reduceMean(squares, [1])); // (R)
  const columnMeans = mixed(columns, reduceMean(squares, [0])); // (C)
  const row = inverseRoot(div(rowMeans, reduceMean(rowMeans, [0]))); // (R)
  const scaled = mul(mul(g, reshape(row, [-1, 1])), inverseRoot(columnMeans)); // (R, C)
  return { weight: changed(weight, scaled, fed), carried: [rowMeans, columnMeans] };
}

/** theta·keep − lr · U / max(1, RMS(U)). */
function changed(weight: Value, update: Value, fed: UpdateInputs['scalar']): Value {
  const alongRows = reduceMean(mul(update, update), [-1]);
  const rms = sqrt(alongRows.shape.length === 0 ? alongRows : reduceMean(alongRows, [0]));
  const divisor = reduceMax(concat([reshape(rms, [1]), reshape(scalar(1), [1])], 0), [0]);
  return sub(mul(weight, fed('keep')), mul(update, div(fed('rate'), divisor)));
}

const inverseRoot = (x: Value): Value => reciprocal(sqrt(x));
