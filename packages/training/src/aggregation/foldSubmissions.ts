/**
 * @file One round from master to master: submissions in the order given, then, a part of the model at a time, their aggregate
 * and the outer step. Used by the server and by who verifies it, so that both get the same bits from the same bytes (SPEC
 * AGG-4). Every element is computed on its own from exact sums, so how the model is cut changes nothing. Memory is a few
 * parts and what `terms` holds. Fetches and stores nothing.
 */
import { isCodedError, type TensorLayout } from '@alice/protocol';
import { aggregateParts } from './aggregateParts.js';
import { type AcceptedSubmission, type AggregatorOptions, FoldPlan } from './foldPlan.js';
import { outerStep } from './outerStep.js';
import { MemoryTermStore, type TermStore } from './termStore.js';

/** Weights by range, in layout order: elements `offset`…`offset + size`. */
export type WeightReader = (offset: number, size: number) => Promise<Float32Array>;

export interface FoldOptions {
  readonly layout: TensorLayout;
  /** FP32 master of the base version; what it returns is not written. */
  readonly base: WeightReader;
  readonly rule: AggregatorOptions;
  readonly outerLearningRate: number;
  /** How many submissions, and each when its turn comes. */
  readonly count: number;
  deltaAt(position: number): Promise<AcceptedSubmission>;
  /** Where sums are made; in memory when left out. For as many groups as the rule has (`groupsOf`). */
  readonly terms?: TermStore;
  /** Every part of the result, in order; its arrays are good until the next one. */
  onPart(part: FoldedPart): Promise<void> | void;
}

export interface FoldedPart {
  readonly offset: number;
  /** As it was. */
  readonly base: Float32Array;
  /** As it is after the round. */
  readonly master: Float32Array;
}

export interface Folded {
  readonly changedElements: number;
  /** By position, with why; they are not part of the result. */
  readonly dropped: readonly { readonly position: number; readonly code: string; readonly reason: string }[];
}

/** Cost: O(parameters + entries). Throws what `deltaAt` throws without a code or to be
 * tried again, and what `base` and `onPart` throw. */
export async function foldSubmissions(options: FoldOptions): Promise<Folded> {
  const { layout, rule } = options;
  const plan = new FoldPlan(layout, rule);
  const terms = options.terms ?? new MemoryTermStore(layout, plan.weights.length);
  const dropped = await addAll(options, plan, terms);
  const stepped = new Float32Array(Math.min(terms.partElements, layout.size));
  let changedElements = 0;
  for (const { offset, delta } of aggregateParts(layout, plan.weights, terms)) {
    const base = await options.base(offset, delta.length);
    const master = stepped.subarray(0, delta.length);
    master.set(base);
    changedElements += outerStep({ master, delta, learningRate: options.outerLearningRate });
    await options.onPart({ offset, base, master });
  }
  return { changedElements, dropped };
}

async function addAll(
  { count, deltaAt }: FoldOptions,
  plan: FoldPlan,
  terms: TermStore,
): Promise<Folded['dropped']> {
  const dropped: Folded['dropped'][number][] = [];
  for (let position = 0; position < count; position++) {
    const planned = await orRefusal(async () => plan.add(await deltaAt(position)));
    if ('refusal' in planned) dropped.push({ position, ...planned.refusal });
    else for (const term of planned.value) terms.add(term);
  }
  for (const term of plan.rest()) terms.add(term);
  return dropped;
}

async function orRefusal<T>(
  work: () => Promise<T>,
): Promise<{ value: T } | { refusal: { code: string; reason: string } }> {
  try {
    return { value: await work() };
  } catch (error) {
    // What may work in a moment says nothing about the submission.
    if (!isCodedError(error) || 'retryAfterMs' in error.info) throw error;
    return { refusal: { code: error.code, reason: error.message } };
  }
}
