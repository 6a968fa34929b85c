/** @file The order in which a miner uses its rows: neighbouring rows are alike, a step should see different ones. */
import { seededRandom } from '@alice/protocol';
import { DataError, requireInteger } from './errors.js';

/**
 * The rows in an order that is a pure function of `seed` (Fisher–Yates); the given array stays as it is.
 * Shapes: (rows × rowLength) → the same, row-major. Throws `OPTION_INVALID`.
 */
export function shuffleRows(rows: Uint16Array, rowLength: number, seed: string): Uint16Array {
  requireInteger('rowLength', rowLength, 1);
  if (rows.length % rowLength !== 0) throw notWhole(rows.length, rowLength);
  const order = Uint32Array.from({ length: rows.length / rowLength }, (_, i) => i);
  const random = seededRandom(seed);
  for (let i = order.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  const shuffled = new Uint16Array(rows.length);
  for (const [i, from] of order.entries())
    shuffled.set(rows.subarray(from * rowLength, (from + 1) * rowLength), i * rowLength);
  return shuffled;
}

function notWhole(length: number, rowLength: number): DataError {
  return new DataError(
    { code: 'OPTION_INVALID', option: 'rows', value: length, bounds: `whole rows of ${rowLength} ids` },
    `${length} ids are not whole rows of ${rowLength}: cut them with the same row length`,
  );
}
