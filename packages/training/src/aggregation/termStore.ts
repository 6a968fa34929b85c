/**
 * @file Where the terms of a round's sums are until they are asked for, a range of the model at a time. Sums are exact, so it
 * makes no difference in which order terms come, nor whether they are added at once (here, where the model's sums fit into
 * memory) or lie in a file until their range is summed.
 */
import type { SparseDelta, TensorLayout } from '@alice/protocol';
import { addExactly } from './exactSum.js';

/** One submission as it enters the sums. */
export interface Term {
  readonly delta: SparseDelta;
  readonly group: number;
  /** What the values of each tensor of the model are multiplied by. */
  readonly factors: Float64Array;
}

export interface TermStore {
  /** Ranges are asked for in steps of so many elements, in order; the last one is shorter. */
  readonly partElements: number;
  add(term: Term): void;
  /** Sums of each group over elements `offset`…`offset + size`, in grid steps; good until the next call. */
  sums(offset: number, size: number): readonly Float64Array[];
}

/** 2²⁴: a part's sums take 128 MiB a group. A smaller model is one part. */
export const PART_ELEMENTS = 2 ** 24;

/** Sums in memory: 8 bytes a group for each element of the model, however many terms there are. */
export class MemoryTermStore implements TermStore {
  readonly partElements: number;
  readonly #layout: TensorLayout;
  readonly #sums: readonly Float64Array[];

  constructor(layout: TensorLayout, groups: number, partElements = PART_ELEMENTS) {
    this.#layout = layout;
    this.partElements = partElements;
    this.#sums = Array.from({ length: groups }, () => new Float64Array(layout.size));
  }

  add({ delta, group, factors }: Term): void {
    for (const part of delta.tensors) {
      const { offset } = this.#layout.tensors[part.tensor]!;
      addExactly(this.#sums[group]!, part, { offset, factor: factors[part.tensor]! });
    }
  }

  sums(offset: number, size: number): readonly Float64Array[] {
    return this.#sums.map((sums) => sums.subarray(offset, offset + size));
  }
}
