/**
 * @file What every submission format says in the bytes 8 … 107 of its header, whatever its version: for which task,
 * from which weights, how much work, and how many tensors and entries follow.
 */

import type { ByteReader } from './ByteReader.js';
import { type ByteWriter, fieldError } from './ByteWriter.js';
import type { SubmissionHeader } from './binaryV2.js';
import { empty, notFinite } from './bodyErrors.js';
import type { BodyShape } from './sparseBody.js';

type Counts = Pick<BodyShape, 'tensorCount' | 'entryCount'>;

/** Throws `WIRE_FIELD`. */
export function writeFields(writer: ByteWriter, header: SubmissionHeader, counts: Counts): void {
  writer
    .hex('taskId', header.taskId, 16)
    .hex('nonce', header.nonce, 32)
    .hex('stateRoot', header.stateRoot, 32)
    .u32('baseVersion', header.baseVersion)
    .u32('tokens', header.tokens)
    .u16('innerSteps', positive('innerSteps', header.innerSteps))
    .u16('tensorCount', counts.tensorCount)
    .f32('meanTrainingLossNats', header.meanTrainingLossNats)
    .u32('entryCount', counts.entryCount);
}

/** Throws `WIRE_FIELD`, `WIRE_NOT_FINITE`, `WIRE_EMPTY`. */
export function readFields(reader: ByteReader): { readonly header: SubmissionHeader } & Counts {
  const taskId = reader.hex(16);
  const nonce = reader.hex(32);
  const stateRoot = reader.hex(32);
  const baseVersion = reader.u32();
  const tokens = reader.u32();
  const innerSteps = positive('innerSteps', reader.u16());
  const tensorCount = reader.u16();
  const meanTrainingLossNats = reader.f32();
  const entryCount = reader.u32();
  if (!Number.isFinite(meanTrainingLossNats)) throw notFinite(-1, 0);
  if (tensorCount === 0 || entryCount === 0) throw empty();
  const header = { taskId, nonce, stateRoot, baseVersion, innerSteps, tokens, meanTrainingLossNats };
  return { header, tensorCount, entryCount };
}

function positive(field: string, value: number): number {
  if (value < 1) throw fieldError(field, value);
  return value;
}
