/**
 * @file Which micro-batches a step may be computed in: the largest first, smaller ones for when memory runs out; the
 * effective batch stays the same (SPEC TRAIN-5).
 */

/** More tokens at once do not run faster on a CPU and only take memory. */
const MAX_TOKENS = 4_096;

/** Divisors of `rowsPerStep`, descending, from the largest that keeps to the limit of tokens; never empty. */
export function microBatchesOf(
  rowsPerStep: number,
  sequenceLength: number,
  maxTokens = MAX_TOKENS,
): readonly number[] {
  const divisors: number[] = [];
  for (let batch = rowsPerStep; batch >= 1; batch--) {
    const fits = batch * sequenceLength <= maxTokens || batch === 1;
    if (rowsPerStep % batch === 0 && fits) divisors.push(batch);
  }
  return divisors;
}

/** True for what ONNX Runtime and JavaScript throw when memory for a batch cannot be had. */
export function isOutOfMemory(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const text = `${error.message} ${error.cause instanceof Error ? error.cause.message : ''}`;
  return /bad_alloc|failed to allocate|out of memory|allocation failed|std::bad/i.test(text);
}
