/**
 * @file How a model's tensors lie in one flat vector: fixed order, row-major, no gaps. The model package makes it from
 * a preset; wire formats, state roots and aggregation only need this description.
 */

export interface TensorSpec {
  readonly name: string;
  readonly shape: readonly number[];
  /** First element within the flat vector. */
  readonly offset: number;
  /** Number of elements: the product of `shape`. */
  readonly size: number;
}

export interface TensorLayout {
  readonly tensors: readonly TensorSpec[];
  /** Elements in total. */
  readonly size: number;
}

/** Lays tensors out one after another in the order given. */
export function layoutOf(
  shapes: readonly (readonly [name: string, shape: readonly number[]])[],
): TensorLayout {
  let offset = 0;
  const tensors = shapes.map(([name, shape]) => {
    const size = shape.reduce((product, dim) => product * dim, 1);
    const spec: TensorSpec = { name, shape, offset, size };
    offset += size;
    return spec;
  });
  return { tensors, size: offset };
}
