/**
 * @file Folds accepted submissions into one dense delta as they come (SPEC AGG-1), with everything in memory: for models
 * that fit there, in regions and in the lab. A few vectors of the model's size however many miners there are. Sums are
 * exact, so the result depends on the order of submissions only through the running median that they are clipped to.
 */
import type { TensorLayout } from '@alice/protocol';
import { combineGroups } from './combineGroups.js';
import {
  type AcceptedSubmission,
  type AggregatorOptions,
  defaultAggregatorOptions,
  FoldPlan,
} from './foldPlan.js';
import { MemoryTermStore } from './termStore.js';

export class StreamingAggregator {
  readonly #layout: TensorLayout;
  readonly #plan: FoldPlan;
  readonly #terms: MemoryTermStore;

  constructor(layout: TensorLayout, options: AggregatorOptions = defaultAggregatorOptions) {
    this.#layout = layout;
    this.#plan = new FoldPlan(layout, options);
    this.#terms = new MemoryTermStore(layout, this.#plan.weights.length);
  }

  /** Submissions taken so far. */
  get count(): number {
    return this.#plan.count;
  }

  /** Takes one submission. Throws `DELTA_INVALID` or `SETTING_INVALID` before anything changes. */
  add(submission: AcceptedSubmission): void {
    for (const term of this.#plan.add(submission)) this.#terms.add(term);
  }

  /** The round's delta, dense; zero everywhere when nothing was added. Ends the wait of held submissions. */
  aggregate(): Float32Array {
    for (const term of this.#plan.rest()) this.#terms.add(term);
    const { size } = this.#layout;
    const delta = new Float32Array(size);
    combineGroups(this.#terms.sums(0, size), this.#plan.weights, delta);
    return delta;
  }
}
