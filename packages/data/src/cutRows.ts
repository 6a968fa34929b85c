/** @file Training rows from a run of tokens. */
import { requireInteger } from './errors.js';

/**
 * Cuts tokens into rows of `rowLength` = T + 1 ids: row i is [i·T, i·T + T], so neighbours share one token and each token
 * is a label exactly once. What fills no row at the end is left out. Shapes: (n) → (rows × rowLength), row-major.
 * Throws `OPTION_INVALID`.
 */
export function cutRows(tokens: Uint16Array, rowLength: number): Uint16Array {
  requireInteger('rowLength', rowLength, 2);
  const stride = rowLength - 1;
  const count = rowCount(tokens.length, rowLength);
  const rows = new Uint16Array(count * rowLength);
  for (let i = 0; i < count; i++)
    rows.set(tokens.subarray(i * stride, i * stride + rowLength), i * rowLength);
  return rows;
}

/** How many rows a run of `tokens` gives. */
export function rowCount(tokens: number, rowLength: number): number {
  return Math.max(0, Math.floor((tokens - 1) / (rowLength - 1)));
}
