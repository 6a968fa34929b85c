/** @file L2 norm of all values of a delta, added in their order: who computes it again has the same bits. */
import type { SparseDelta } from '@alice/protocol';

export function deltaNorm({ tensors }: SparseDelta): number {
  let squares = 0;
  for (const { values } of tensors)
    for (let i = 0; i < values.length; i++) squares += values[i]! * values[i]!;
  return Math.sqrt(squares);
}
