/**
 * @file A delta as miners send it: for each tensor the changed elements and by how much. A delta is always
 * theta_new − theta_old and is only ever ADDED to weights; no other sign convention exists anywhere.
 */

export interface SparseTensor {
  /** Position of the tensor in the layout. */
  readonly tensor: number;
  /** Element within the tensor, strictly ascending. */
  readonly indices: Uint32Array;
  /** Finite; one per index. */
  readonly values: Float32Array;
}

/** At most one entry per tensor, ascending by `tensor`; tensors without entries are left out. */
export interface SparseDelta {
  readonly tensors: readonly SparseTensor[];
}

/** Number of changed elements. */
export function entryCount(delta: SparseDelta): number {
  return delta.tensors.reduce((sum, { indices }) => sum + indices.length, 0);
}
