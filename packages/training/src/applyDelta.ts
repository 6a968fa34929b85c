/**
 * @file The only place where a delta is added to weights: scoring, the outer step and tests all pass through here.
 * A delta is theta_new − theta_old and is ADDED. A wrong sign here would be seen by every test of learning.
 */
import { requireLength } from './errors.js';
import type { FlatDelta } from './flatDelta.js';

/**
 * Adds `scale · delta` to `parameters` in place and returns how many elements have other bits than before.
 * Formula: theta ← fround(theta + scale · delta), SPEC AGG-2. `scale` is a step fraction or an outer learning rate.
 * Cost: one pass over the delta.
 */
export function applyDelta(parameters: Float32Array, delta: FlatDelta, scale: number): number {
  const { indices, values } = delta;
  let changed = 0;
  if (indices === null) {
    requireLength('a dense delta', values.length, parameters.length);
    for (let i = 0; i < values.length; i++) {
      const before = parameters[i]!;
      parameters[i] = before + scale * values[i]!;
      if (parameters[i] !== before) changed++;
    }
    return changed;
  }
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i]!;
    const before = parameters[index]!;
    parameters[index] = before + scale * values[i]!;
    if (parameters[index] !== before) changed++;
  }
  return changed;
}
