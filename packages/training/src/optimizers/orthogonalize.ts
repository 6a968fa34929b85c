/**
 * @file Newton–Schulz orthogonalisation in plain JavaScript: the definition others are tested against, and the
 * fallback where no graph engine is at hand. A graph engine does the same arithmetic tens of times faster.
 * Method: Jordan et al. 2024, "Muon" (quintic iteration with coefficients tuned for slope at zero, not for exactness:
 * singular values land in about [0.7, 1.2]).
 */

export interface MatrixBatch {
  readonly count: number;
  /** At most `columns`: tall matrices are handed over transposed, which the iteration does not mind. */
  readonly rows: number;
  readonly columns: number;
}

/** Replaces each matrix (row-major, one after another) by the nearest orthogonal one, roughly. Input is kept. */
export type Orthogonalize = (matrices: Float32Array, batch: MatrixBatch) => Promise<Float32Array>;

/** X ← aX + (bA + cA²)X with A = XXᵀ. */
export const NEWTON_SCHULZ = { a: 3.4445, b: -4.775, c: 2.0315, iterations: 5 } as const;
/** Keeps a zero matrix zero. */
export const FROBENIUS_FLOOR = 1e-12;

/** Cost: 5 · (3 rows² · columns + rows³) multiply-adds a matrix, symmetric products counted half. */
export const orthogonalizeInJavaScript: Orthogonalize = async (matrices, batch) => {
  const size = batch.rows * batch.columns;
  const result = matrices.slice();
  const scratch = {
    gram: new Float32Array(batch.rows ** 2),
    polynomial: new Float32Array(batch.rows ** 2),
    product: new Float32Array(size),
  };
  for (let i = 0; i < batch.count; i++) iterate(result.subarray(i * size, (i + 1) * size), batch, scratch);
  return result;
};

/** Divides each matrix by its Frobenius norm, in place: the iteration converges for singular values in [0, 1]. */
export function normalizeMatrices(matrices: Float32Array, { count, rows, columns }: MatrixBatch): void {
  const size = rows * columns;
  for (let m = 0; m < count; m++) {
    const matrix = matrices.subarray(m * size, (m + 1) * size);
    let sum = 0;
    for (let i = 0; i < size; i++) sum += matrix[i]! * matrix[i]!;
    const scale = 1 / (Math.sqrt(sum) + FROBENIUS_FLOOR);
    for (let i = 0; i < size; i++) matrix[i]! *= scale;
  }
}

interface Scratch {
  readonly gram: Float32Array;
  readonly polynomial: Float32Array;
  readonly product: Float32Array;
}

function iterate(
  x: Float32Array,
  { rows, columns }: MatrixBatch,
  { gram, polynomial, product }: Scratch,
): void {
  const { a, b, c, iterations } = NEWTON_SCHULZ;
  normalizeMatrices(x, { count: 1, rows, columns });
  for (let n = 0; n < iterations; n++) {
    timesOwnTranspose(x, gram, { rows, columns });
    timesOwnTranspose(gram, polynomial, { rows, columns: rows }); // A is symmetric, so A·Aᵀ = A²
    for (let i = 0; i < gram.length; i++) polynomial[i] = b * gram[i]! + c * polynomial[i]!;
    multiply(polynomial, x, product);
    for (let i = 0; i < x.length; i++) x[i] = a * x[i]! + product[i]!;
  }
}

/** out (R, R) = x (R, C) · xᵀ; only one triangle is computed. */
function timesOwnTranspose(
  x: Float32Array,
  out: Float32Array,
  { rows, columns }: Omit<MatrixBatch, 'count'>,
): void {
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let k = 0; k < columns; k++) sum += x[i * columns + k]! * x[j * columns + k]!;
      out[i * rows + j] = sum;
      out[j * rows + i] = sum;
    }
  }
}

/** out (R, C) = square (R, R) · x (R, C). */
function multiply(square: Float32Array, x: Float32Array, out: Float32Array): void {
  const rows = Math.sqrt(square.length);
  const columns = x.length / rows;
  out.fill(0);
  for (let i = 0; i < rows; i++) {
    for (let k = 0; k < rows; k++) {
      const factor = square[i * rows + k]!;
      for (let j = 0; j < columns; j++) out[i * columns + j]! += factor * x[k * columns + j]!;
    }
  }
}
