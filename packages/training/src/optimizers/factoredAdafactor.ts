/**
 * @file Adafactor without momentum for one tensor: a matrix keeps only row and column means of its squared gradients
 * (R + C numbers instead of R · C), a vector keeps all. Used for embedding, head and norms.
 * Method: Shazeer and Stern 2018, "Adafactor", §4 (factored second moment) and §6 (update clipping).
 */
import type { TensorSpec } from '@alice/protocol';

/** Keeps squares away from zero without changing any that matter (Adafactor's ε₁). */
export const SQUARE_FLOOR = 1e-30;
const MAX_BETA2 = 0.99;

export interface FactoredState {
  /** Row means of a matrix, or every element's mean square of a vector. */
  readonly rows: Float32Array;
  /** Column means; empty for a vector. */
  readonly columns: Float32Array;
}

export function emptyFactoredState({ shape, size }: TensorSpec): FactoredState {
  const [rows = size, columns = 0] = shape;
  return { rows: new Float32Array(rows), columns: new Float32Array(shape.length === 2 ? columns : 0) };
}

/** Second-moment decay of step `steps` ≥ 1: min(0.99, 1 − (steps+1)^−0.8) (Adafactor §7.2, capped to stay adaptive). */
export function secondMomentDecay(steps: number): number {
  return Math.min(MAX_BETA2, 1 - (steps + 1) ** -0.8);
}

export interface AdafactorUpdate {
  /** The tensor's own part of the flat vector. */
  readonly gradient: Float32Array;
  readonly learningRate: number;
  readonly beta2: number;
}

export interface AdafactorStep extends AdafactorUpdate {
  /** The tensor's own part of the flat vector. */
  readonly parameters: Float32Array;
}

/**
 * One update of one tensor, in place.
 * Formula: V̂ᵢⱼ = rᵢcⱼ / mean(r), U = G/√V̂, theta ← theta − lr · U / max(1, RMS(U)).
 */
export function adafactorStep(spec: TensorSpec, state: FactoredState, step: AdafactorStep): void {
  const { row, column, rate } = updateScale(spec, state, step);
  const { parameters, gradient } = step;
  for (let i = 0, at = 0; i < row.length; i++) {
    const rowRate = rate * row[i]!;
    for (let j = 0; j < column.length; j++, at++) parameters[at]! -= rowRate * column[j]! * gradient[at]!;
  }
}

/** The same update, not added to weights: it takes the place of the gradient. */
export function adafactorUpdate(spec: TensorSpec, state: FactoredState, step: AdafactorUpdate): void {
  const { row, column, rate } = updateScale(spec, state, step);
  const { gradient } = step;
  for (let i = 0, at = 0; i < row.length; i++) {
    const rowRate = -rate * row[i]!;
    for (let j = 0; j < column.length; j++, at++) gradient[at]! *= rowRate * column[j]!;
  }
}

/** Takes the gradient into the state; its update is −rate · row[i] · column[j] · gradient. */
function updateScale(
  spec: TensorSpec,
  state: FactoredState,
  step: AdafactorUpdate,
): UpdateScale & { rate: number } {
  const scale = spec.shape.length === 2 ? matrixScale(spec, state, step) : vectorScale(state, step);
  const rms = Math.sqrt(sumOfSquares(step.gradient, scale) / spec.size);
  return { ...scale, rate: step.learningRate / Math.max(1, rms) };
}

/** 1/√V̂ as a product: element (i, j) of the update is gradient · row[i] · column[j]. */
interface UpdateScale {
  readonly row: Float64Array;
  readonly column: Float64Array;
}

function matrixScale(
  { shape }: TensorSpec,
  state: FactoredState,
  { gradient, beta2 }: AdafactorUpdate,
): UpdateScale {
  const [rows = 0, columns = 0] = shape;
  const columnSums = new Float64Array(columns);
  let rowTotal = 0;
  for (let i = 0, at = 0; i < rows; i++) {
    let rowSum = 0;
    for (let j = 0; j < columns; j++, at++) {
      const square = gradient[at]! * gradient[at]! + SQUARE_FLOOR;
      rowSum += square;
      columnSums[j]! += square;
    }
    state.rows[i] = beta2 * state.rows[i]! + (1 - beta2) * (rowSum / columns);
    rowTotal += state.rows[i]!;
  }
  const rowMean = rowTotal / rows;
  const row = Float64Array.from(state.rows, (mean) => 1 / Math.sqrt(mean / rowMean));
  const column = new Float64Array(columns);
  for (let j = 0; j < columns; j++) {
    state.columns[j] = beta2 * state.columns[j]! + (1 - beta2) * (columnSums[j]! / rows);
    column[j] = 1 / Math.sqrt(state.columns[j]!);
  }
  return { row, column };
}

function vectorScale(state: FactoredState, { gradient, beta2 }: AdafactorUpdate): UpdateScale {
  const row = new Float64Array(gradient.length);
  for (let i = 0; i < gradient.length; i++) {
    const square = gradient[i]! * gradient[i]! + SQUARE_FLOOR;
    state.rows[i] = beta2 * state.rows[i]! + (1 - beta2) * square;
    row[i] = 1 / Math.sqrt(state.rows[i]!);
  }
  return { row, column: Float64Array.of(1) };
}

function sumOfSquares(gradient: Float32Array, { row, column }: UpdateScale): number {
  let sum = 0;
  for (let i = 0, at = 0; i < row.length; i++) {
    for (let j = 0; j < column.length; j++, at++) {
      const update = gradient[at]! * row[i]! * column[j]!;
      sum += update * update;
    }
  }
  return sum;
}
