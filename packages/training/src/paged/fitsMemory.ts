/** @file Whether a model is worked on in this computer's memory or from a file. */
import { totalmem } from 'node:os';

/** Where the weights lie: decided by this computer's memory, or told. */
export type WeightsPlace = 'auto' | 'memory' | 'disk';
export const WEIGHTS_PLACES: readonly WeightsPlace[] = ['auto', 'memory', 'disk'];

/** Halves, FP32 weights, their copy that is trained, gradient, mean gradient, residual. */
export const TRAINING_BYTES = 22;
/** Halves, FP32 weights, their copy in the runtime. */
export const SCORING_BYTES = 10;
/** What a program may plan with; the rest is for activations, other programs and the system. */
const SHARE = 0.6;

/** Whether weights are to lie in a file. A container's limit counts where it is below the computer's memory. */
export function liesOnDisk(place: WeightsPlace, parameters: number, bytesPerParameter: number): boolean {
  if (place !== 'auto') return place === 'disk';
  const limit = process.constrainedMemory?.() ?? 0;
  const memory = limit > 0 ? Math.min(limit, totalmem()) : totalmem();
  return parameters * bytesPerParameter > SHARE * memory;
}
