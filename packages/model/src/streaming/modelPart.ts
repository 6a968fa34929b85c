/**
 * @file A part of the model as the streamed passes see it: the weights that are read together (one block, or the final
 * norm and the head), as inputs of a graph. All blocks are one part shape: their graphs differ in nothing but the
 * numbers fed. Stored FP16 is widened within the graph; a sparse change is added there, to the wide copy.
 */
import { addEntries, input, type NamedTensors, tensorOf, type Value, widen } from '@alice/engine';
import type { SparseDelta, TensorLayout } from '@alice/protocol';
import type { WeightInput } from '../transformer.js';
import type { StoredWeights, WeightRange, WeightSource } from './WeightSource.js';

/** A sparse delta and how much of it is added; nothing is, where it is left out. */
export interface WeightChange {
  readonly delta?: SparseDelta;
  readonly scale?: number;
}

/** One weight of a part: where it lies within the part, and its FP32 value in the graph. */
export interface PartWeight {
  readonly name: string;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly size: number;
  /** Changed elements one run can take; 0: the graph takes no changes. */
  readonly capacity: number;
  readonly value: Value;
}

export interface PartOptions {
  readonly dtype: WeightSource['dtype'];
  /** For each weight, in order, how many changed elements one run must take. */
  readonly capacities?: readonly number[];
}

/** The range of the flat vector that adjacent weights make up. */
export function rangeOf(weights: readonly WeightInput[]): WeightRange {
  const size = weights.reduce((sum, weight) => sum + weight.size, 0);
  return { offset: weights[0]!.offset, size };
}

/** The graph inputs of a part that has the shape of `weights`. */
export function partWeights(
  weights: readonly WeightInput[],
  { dtype, capacities = [] }: PartOptions,
): PartWeight[] {
  const { offset: start } = rangeOf(weights);
  return weights.map(({ value: { attributes }, offset, size }, i) => {
    const { name, shape } = attributes;
    const capacity = capacities[i] ?? 0;
    const stored = input(name, shape, dtype);
    const wide = dtype === 'float16' ? widen(stored) : stored;
    const value =
      capacity === 0
        ? wide
        : addEntries(
            wide,
            input(`positions in ${name}`, [capacity], 'int32'),
            input(`changes of ${name}`, [capacity]),
          );
    return { name, shape, offset: offset - start, size, capacity, value };
  });
}

/** The stored numbers of a part, cut up for its inputs. */
export function partFeeds(part: readonly PartWeight[], stored: StoredWeights): NamedTensors {
  return Object.fromEntries(
    part.map(({ name, shape, offset, size }) => [
      name,
      tensorOf(stored.subarray(offset, offset + size), shape),
    ]),
  );
}

/** How many elements of the part at `range` each weight has changed by a delta. */
export function changesIn(
  part: readonly PartWeight[],
  { offset }: WeightRange,
  { delta, layout }: { delta: SparseDelta; layout: TensorLayout },
): number[] {
  return part.map((weight) =>
    delta.tensors
      .filter(({ tensor }) => within(layout.tensors[tensor]!.offset - offset, weight))
      .reduce((sum, { indices }) => sum + indices.length, 0),
  );
}

/** The feeds that add `scale`·delta to the part at `range`; unused room adds nothing to the first element. */
export function changeFeeds(
  part: readonly PartWeight[],
  { offset }: WeightRange,
  { delta, scale = 1, layout }: WeightChange & { layout: TensorLayout },
): NamedTensors {
  const feeds: Record<string, NamedTensors[string]> = {};
  for (const weight of part) {
    if (weight.capacity === 0) continue;
    const positions = new Int32Array(weight.capacity);
    const values = new Float32Array(weight.capacity);
    let filled = 0;
    for (const { tensor, indices, values: changes } of delta?.tensors ?? []) {
      const from = layout.tensors[tensor]!.offset - offset;
      if (!within(from, weight)) continue;
      for (let i = 0; i < indices.length; i++, filled++) {
        positions[filled] = from - weight.offset + indices[i]!;
        values[filled] = scale * changes[i]!;
      }
    }
    feeds[`positions in ${weight.name}`] = tensorOf(positions, [weight.capacity]);
    feeds[`changes of ${weight.name}`] = tensorOf(values, [weight.capacity]);
  }
  return feeds;
}

function within(from: number, { offset, size }: PartWeight): boolean {
  return from >= offset && from < offset + size;
}
