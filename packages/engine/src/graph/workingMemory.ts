/**
 * @file How much memory a graph holds at once beyond what is fed and what is handed back: an estimate from shapes alone,
 * in the order graphs are written. Runtimes fuse, reuse and round up; twice the estimate is what they may come to.
 */
import { topologicalOrder } from './topologicalOrder.js';
import { type OpName, sizeOf, type Value } from './value.js';

/** Ops whose result is fed, stored in the graph, or another view of their input. */
const FREE: ReadonlySet<OpName> = new Set(['Input', 'Constant', 'Reshape', 'Expand']);
const BYTES = { float32: 4, int32: 4, float16: 2 } as const;

/** The most bytes of intermediate values alive at any point. Cost: one walk over the graph. */
export function workingBytes(outputs: Readonly<Record<string, Value>>): number {
  const kept = new Set(Object.values(outputs));
  const order = topologicalOrder([...kept]);
  const bytesOf = (value: Value): number =>
    FREE.has(value.op) || kept.has(value) ? 0 : BYTES[value.dtype] * sizeOf(value.shape);
  const lastReader = new Map<Value, number>();
  for (const [i, value] of order.entries()) for (const x of value.inputs) lastReader.set(x, i);
  const endsAt = order.map((): Value[] => []);
  for (const [value, i] of lastReader) endsAt[i]!.push(value);
  let [live, peak] = [0, 0];
  for (const [i, value] of order.entries()) {
    live += bytesOf(value);
    peak = Math.max(peak, live);
    for (const x of endsAt[i]!) live -= bytesOf(x);
  }
  return peak;
}
