/** @file Whether a model is worked on in this computer's memory or from a file. */
import { totalmem } from 'node:os';

/** Where the weights lie: decided by this computer's memory, or told. */
export type WeightsPlace = 'auto' | 'memory' | 'disk';

/** Halves, FP32 weights, their copy that is trained, gradient, mean gradient, residual. */
export const TRAINING_BYTES = 22;
/** Halves, FP32 weights, their copy in the runtime. */
export const SCORING_BYTES = 10;
/** What a program may plan with; the rest is for activations, other programs and the system. */
const SHARE = 0.6;

/** Networks of smaller models train by settings that need all weights at once: a tight memory is better than none of their work. */
const SMALLEST_ON_DISK = 500_000_000;

/** Whether weights are to lie in a file. */
export function liesOnDisk(
  place: WeightsPlace,
  parameters: number,
  { bytesPerParameter, memoryBytes = memoryOfComputer() }: MemoryNeed,
): boolean {
  if (place !== 'auto') return place === 'disk';
  return parameters >= SMALLEST_ON_DISK && parameters * bytesPerParameter > SHARE * memoryBytes;
}

export interface MemoryNeed {
  readonly bytesPerParameter: number;
  /** What there is; this computer's unless given. */
  readonly memoryBytes?: number;
}

/** A container's limit counts where it is below the computer's memory. */
function memoryOfComputer(): number {
  const limit = process.constrainedMemory?.() ?? 0;
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}
