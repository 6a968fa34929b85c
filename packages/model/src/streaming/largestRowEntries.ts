/**
 * @file The largest entries of a table's gradient that is zero but in a few rows, without making the table: the same
 * entries as top-k over all of it. Deterministic: rows of one token are added in the order of the tokens.
 */
import { CHUNK_ELEMENTS } from '@alice/protocol';

interface TableShape {
  readonly density: number;
  /** Elements of the table. */
  readonly size: number;
}

/** rows (N, C), each to be added at its token's row. Cost: the chunks that the rows touch. */
export function largestRowEntries(
  rows: Float32Array,
  tokens: Int32Array,
  { density, size }: TableShape,
): { indices: Uint32Array; values: Float32Array } {
  const chunks = touchedChunks(rows, tokens);
  const indices: number[] = [];
  const values: number[] = [];
  for (const chunk of [...chunks.keys()].sort((a, b) => a - b)) {
    const data = chunks.get(chunk)!;
    const length = Math.min(CHUNK_ELEMENTS, size - chunk * CHUNK_ELEMENTS);
    for (const at of largestOf(data.subarray(0, length), Math.ceil(density * length))) {
      indices.push(chunk * CHUNK_ELEMENTS + at);
      values.push(data[at]!);
    }
  }
  return { indices: Uint32Array.from(indices), values: Float32Array.from(values) };
}

function touchedChunks(rows: Float32Array, tokens: Int32Array): Map<number, Float32Array> {
  const width = rows.length / tokens.length;
  const chunks = new Map<number, Float32Array>();
  for (const [i, token] of tokens.entries())
    for (let c = 0; c < width; c++) {
      const at = token * width + c;
      const chunk = Math.floor(at / CHUNK_ELEMENTS);
      const data = chunks.get(chunk) ?? new Float32Array(CHUNK_ELEMENTS);
      chunks.set(chunk, data);
      const within = at % CHUNK_ELEMENTS;
      data[within] = data[within]! + rows[i * width + c]!;
    }
  return chunks;
}

/** Ascending positions of the `count` elements of largest magnitude, of equal ones the first; no zeros. */
function largestOf(data: Float32Array, count: number): number[] {
  const taken: number[] = []; // by magnitude, largest first
  for (let i = 0; i < data.length; i++) {
    const magnitude = Math.abs(data[i]!);
    if (magnitude === 0) continue;
    if (taken.length === count && magnitude <= Math.abs(data[taken[count - 1]!]!)) continue;
    let to = taken.length === count ? count - 1 : taken.length;
    for (; to > 0 && Math.abs(data[taken[to - 1]!]!) < magnitude; to--) taken[to] = taken[to - 1]!;
    taken[to] = i;
  }
  return taken.sort((a, b) => a - b);
}
