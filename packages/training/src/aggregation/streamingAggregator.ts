/**
 * @file Folds accepted submissions into one delta as they come (SPEC AGG-1). Sums are in memory, for models that fit there, or
 * in the store that is given, and then the delta comes a part at a time. Memory does not grow with the number of submissions.
 * Sums are exact, so the result depends on their order only through the running median that they are clipped to.
 */
import type { TensorLayout } from '@alice/protocol';
import { type AggregatePart, aggregateParts } from './aggregateParts.js';
import {
  type AcceptedSubmission,
  type AggregatorOptions,
  defaultAggregatorOptions,
  FoldPlan,
} from './foldPlan.js';
import { MemoryTermStore, type TermStore } from './termStore.js';

export class StreamingAggregator {
  readonly #layout: TensorLayout;
  readonly #plan: FoldPlan;
  readonly #terms: TermStore;

  /** `terms`: for as many groups as the rule has (`groupsOf`). */
  constructor(
    layout: TensorLayout,
    options: AggregatorOptions = defaultAggregatorOptions,
    terms?: TermStore,
  ) {
    this.#layout = layout;
    this.#plan = new FoldPlan(layout, options);
    this.#terms = terms ?? new MemoryTermStore(layout, this.#plan.weights.length);
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
    const whole = new Float32Array(this.#layout.size);
    for (const { offset, delta } of this.parts()) whole.set(delta, offset);
    return whole;
  }

  /** The same a part at a time, in layout order. */
  *parts(): Generator<AggregatePart> {
    for (const term of this.#plan.rest()) this.#terms.add(term);
    yield* aggregateParts(this.#layout, this.#plan.weights, this.#terms);
  }
}
