/** @file A matrix turned over, in squares that fit into a processor's nearest cache. */

const SIDE = 32;

/** (rows, columns) → (columns, rows), a copy. Cost: O(rows · columns). */
export function transposed(matrix: Float32Array, rows: number, columns: number): Float32Array {
  const turned = new Float32Array(matrix.length);
  for (let top = 0; top < rows; top += SIDE)
    for (let left = 0; left < columns; left += SIDE) {
      const bottom = Math.min(rows, top + SIDE);
      const right = Math.min(columns, left + SIDE);
      for (let column = left; column < right; column++)
        for (let row = top; row < bottom; row++)
          turned[column * rows + row] = matrix[row * columns + column]!;
    }
  return turned;
}
