/**
 * @file One round from master to master: aggregate in the order given, then the outer step. Used by the server and by who
 * verifies it, so that both get the same bits from the same bytes (SPEC AGG-4). Fetches and stores nothing.
 */
import { isCodedError, type TensorLayout } from '@alice/protocol';
import { outerStep } from './outerStep.js';
import {
  type AcceptedSubmission,
  type AggregatorOptions,
  StreamingAggregator,
} from './streamingAggregator.js';

export interface FoldOptions {
  readonly layout: TensorLayout;
  /** FP32 master of the base version; not written. */
  readonly base: Float32Array;
  readonly rule: AggregatorOptions;
  readonly outerLearningRate: number;
  /** How many submissions, and each when its turn comes; memory holds what the aggregator keeps. */
  readonly count: number;
  deltaAt(position: number): Promise<AcceptedSubmission>;
}

export interface Folded {
  readonly master: Float32Array;
  readonly changedElements: number;
  /** By position, with why; they are not part of the result. */
  readonly dropped: readonly { readonly position: number; readonly code: string; readonly reason: string }[];
}

/** Cost: O(parameters + entries). Throws what `deltaAt` throws without a code. */
export async function foldSubmissions(options: FoldOptions): Promise<Folded> {
  const { layout, base, rule, outerLearningRate, count, deltaAt } = options;
  const aggregator = new StreamingAggregator(layout, rule);
  const dropped: Folded['dropped'][number][] = [];
  for (let position = 0; position < count; position++) {
    try {
      aggregator.add(await deltaAt(position));
    } catch (error) {
      if (!isCodedError(error)) throw error;
      dropped.push({ position, code: error.code, reason: error.message });
    }
  }
  const master = base.slice();
  const delta = aggregator.aggregate();
  const changedElements = outerStep({ master, delta, learningRate: outerLearningRate });
  return { master, changedElements, dropped };
}
