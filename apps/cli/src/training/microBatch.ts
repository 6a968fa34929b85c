/** @file How many rows of a step are computed at once unless memory ends: what is asked for, or as many as still pay. */

/** More need more memory and are hardly faster. */
const ROWS = 8;
/** The same of the processor, whose memory is the machine's: there the system ends a program that takes too much. */
const PROCESSOR_TOKENS = 1_024;

export interface MicroBatchOptions {
  /** Rows of a step. */
  readonly rows: number;
  readonly sequenceLength: number;
  /** Rows asked for. */
  readonly microBatch?: number | undefined;
  /** Whether gradients are computed by the processor. */
  readonly onProcessor: boolean;
}

/** The largest divisor of a step's rows that is not above what is wanted. */
export function microBatchOf({ rows, sequenceLength, microBatch, onProcessor }: MicroBatchOptions): number {
  const paying = onProcessor ? Math.min(ROWS, Math.floor(PROCESSOR_TOKENS / sequenceLength)) : ROWS;
  const wanted = Math.min(rows, microBatch ?? paying);
  for (let size = wanted; size > 1; size--) if (rows % size === 0) return size;
  return 1;
}
