/** @file The rows of a scoring batch. Only scorers may have them: whoever knows the rows could train on them. */
import type { ServerContext } from '../context.js';
import { ServerError } from '../errors.js';
import { findBatch } from '../state/jobs.js';

/** Little-endian tokens. Throws `NOT_FOUND`. */
export async function batchTokens(
  { db, data, options }: ServerContext,
  batchId: string,
): Promise<Uint8Array> {
  const batch = await findBatch(db, batchId);
  if (!batch) throw new ServerError({ code: 'NOT_FOUND' }, 'there is no such batch');
  const rowLength = options.training.sequenceLength + 1;
  return data.validationRows({ seed: batch.seed, rows: batch.row_count, rowLength });
}
