/** @file The difference of two versions as the sparse delta it was: what comparing with published updates needs. */
import type { FlatDelta } from '@alice/training';

/** Elements that differ, with to − from. */
export function changedDelta(from: Float32Array, to: Float32Array): FlatDelta {
  const at: number[] = [];
  for (let i = 0; i < from.length; i++) if (from[i] !== to[i]) at.push(i);
  return { indices: Uint32Array.from(at), values: Float32Array.from(at, (i) => to[i]! - from[i]!) };
}
