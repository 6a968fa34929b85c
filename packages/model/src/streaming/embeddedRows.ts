/** @file The rows of the embedding table that some tokens need, without reading the rest of the table. */
import { fromHalves } from '@alice/protocol';
import type { WeightInput } from '../transformer.js';
import type { WeightChange } from './modelPart.js';
import type { WeightSource } from './WeightSource.js';

/** The embedding is the first tensor of every layout. */
const EMBEDDING = 0;

/** tokens (N) → (N, C), FP32. Cost: one small read for each distinct token. */
export async function embeddedRows(
  source: WeightSource,
  table: WeightInput,
  tokens: Int32Array,
): Promise<Float32Array> {
  const width = table.value.shape[1]!;
  const rows = new Float32Array(tokens.length * width);
  const firstAt = new Map<number, number>();
  for (const [i, token] of tokens.entries()) {
    const known = firstAt.get(token);
    const row = rows.subarray(i * width, (i + 1) * width);
    if (known !== undefined) row.set(rows.subarray(known * width, (known + 1) * width));
    else {
      firstAt.set(token, i);
      const stored = await source.read({ offset: table.offset + token * width, size: width });
      if (stored instanceof Float32Array) row.set(stored);
      else fromHalves(stored, row);
    }
  }
  return rows;
}

/** Adds a change of the embedding table to rows taken from it, in place. */
export function changeRows(rows: Float32Array, tokens: Int32Array, { delta, scale = 1 }: WeightChange): void {
  const part = delta?.tensors.find(({ tensor }) => tensor === EMBEDDING);
  if (!part) return;
  const width = rows.length / tokens.length;
  const places = new Map<number, number[]>();
  for (const [i, token] of tokens.entries()) places.set(token, [...(places.get(token) ?? []), i]);
  for (const [entry, index] of part.indices.entries()) {
    const change = scale * part.values[entry]!;
    for (const place of places.get(Math.floor(index / width)) ?? []) {
      const at = place * width + (index % width);
      rows[at] = rows[at]! + change;
    }
  }
}
