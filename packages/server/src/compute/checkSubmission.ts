/** @file Decodes an upload in full, so that only well-formed bytes are ever acknowledged, and names its content. */
import { createHash } from 'node:crypto';
import { bytesOf, type HashHex, type SparseDelta, type SubmissionHeader, toHex } from '@alice/protocol';
import type { ModelState } from './ModelState.js';

export interface CheckedSubmission {
  readonly header: SubmissionHeader;
  /** Hash of indices and values alone: equal for equal deltas whatever task they are sent for. */
  readonly contentHash: HashHex;
  /** Of all values together. */
  readonly normL2: number;
}

/** Throws `WireError` for anything malformed. */
export async function checkSubmission(model: ModelState, bytes: Uint8Array): Promise<CheckedSubmission> {
  const { header, delta } = await model.decode(bytes);
  const hash = createHash('sha256');
  for (const { tensor, indices, values } of delta.tensors)
    hash.update(Uint32Array.of(tensor, indices.length)).update(bytesOf(indices)).update(bytesOf(values));
  return { header, contentHash: toHex(hash.digest()), normL2: deltaNorm(delta) };
}

/** L2 norm of all values, added in their order: who computes it again has the same bits. */
export function deltaNorm({ tensors }: SparseDelta): number {
  let squares = 0;
  for (const { values } of tensors)
    for (let i = 0; i < values.length; i++) squares += values[i]! * values[i]!;
  return Math.sqrt(squares);
}
