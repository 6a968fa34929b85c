/**
 * @file Which tensors Muon orthogonalises, and how they are packed so that all of one shape go through in one batch.
 * A hidden matrix is known by its name (`…_proj.weight`), its orientation by its shape: taller than wide is packed
 * transposed. Embedding, head and norms are not hidden matrices.
 */
import type { TensorLayout, TensorSpec } from '@alice/protocol';
import type { MatrixBatch } from './orthogonalize.js';

export interface MatrixGroup extends MatrixBatch {
  readonly members: readonly TensorSpec[];
}

export function isHiddenMatrix({ name, shape }: TensorSpec): boolean {
  return shape.length === 2 && name.endsWith('_proj.weight');
}

/** Groups hidden matrices by their shape after laying them wide, in layout order. */
export function matrixGroups(layout: TensorLayout): MatrixGroup[] {
  const byShape = new Map<string, TensorSpec[]>();
  for (const spec of layout.tensors) {
    if (!isHiddenMatrix(spec)) continue;
    const key = [Math.min(...spec.shape), Math.max(...spec.shape)].join('x');
    byShape.set(key, [...(byShape.get(key) ?? []), spec]);
  }
  return [...byShape].map(([key, members]) => {
    const [rows, columns] = key.split('x').map(Number);
    return { members, count: members.length, rows: rows!, columns: columns! };
  });
}

/** Copies the members of a group out of a flat vector, wide: (count, rows, columns). */
export function packGroup(flat: Float32Array, { members, rows, columns }: MatrixGroup): Float32Array {
  const packed = new Float32Array(members.length * rows * columns);
  members.forEach(({ offset, size, shape }, m) => {
    const source = flat.subarray(offset, offset + size);
    const target = packed.subarray(m * size, (m + 1) * size);
    if (shape[0] === rows) target.set(source);
    else transpose(source, target, columns);
  });
  return packed;
}

/** Calls `visit` with each member's part of the packed result, back in the member's own orientation. */
export function unpackGroup(
  packed: Float32Array,
  { members, rows }: MatrixGroup,
  visit: (spec: TensorSpec, matrix: Float32Array) => void,
): void {
  members.forEach((spec, m) => {
    const own = packed.subarray(m * spec.size, (m + 1) * spec.size);
    visit(spec, spec.shape[0] === rows ? own : transpose(own, new Float32Array(spec.size), rows));
  });
}

/** target (columns, rows) = source (rows, columns) transposed; returns the target. */
function transpose(source: Float32Array, target: Float32Array, rows: number): Float32Array {
  const columns = source.length / rows;
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) target[j * rows + i] = source[i * columns + j]!;
  return target;
}
