/**
 * @file Makes one submission out of a region's: their mean by the network's own rule, compressed like a miner's delta, with a
 * residual for what does not fit. Deterministic, so it is simply done again after a crash. Stores what it makes; sends
 * nothing.
 */
import { deltaAsDecoded, encodeAnySubmission, type HashHex, type SubmissionHeader } from '@alice/protocol';
import {
  type AggregatorOptions,
  ErrorFeedback,
  StreamingAggregator,
  type TrainingSettings,
} from '@alice/training';
import type { BlobRef, BlobStore } from '../blobs/BlobStore.js';
import type { ModelState } from '../compute/ModelState.js';
import { contributionDensity } from './contributionBounds.js';

export interface RegionFoldRequest {
  readonly header: SubmissionHeader;
  /** In order of arrival. */
  readonly submissions: readonly HashHex[];
  readonly rule: AggregatorOptions;
  readonly settings: Pick<TrainingSettings, 'density' | 'selection' | 'errorFeedbackDecay' | 'wire'>;
  /** Of the last contribution that was merged. */
  readonly residual: HashHex | null;
}

export interface RegionFold {
  readonly blob: BlobRef;
  readonly residual: BlobRef;
}

/** Throws `BLOB_MISSING`, `BLOB_CORRUPT`. Cost: O(parameters + entries). */
export async function foldRegion(
  model: ModelState,
  blobs: BlobStore,
  { header, submissions, rule, settings, residual }: RegionFoldRequest,
): Promise<RegionFold> {
  const { layout } = model;
  const aggregator = new StreamingAggregator(layout, rule);
  for (const hash of submissions) aggregator.add({ delta: await model.deltaOf(hash) });
  const { density, selection, errorFeedbackDecay: decay, wire } = settings;
  const feedback = new ErrorFeedback(layout, {
    density: contributionDensity(density, submissions.length),
    decay,
    selection,
    asDecoded: (delta) => deltaAsDecoded(delta, wire),
  });
  if (residual !== null) feedback.importState(await blobs.get(residual));
  const delta = feedback.compress(aggregator.aggregate());
  const bytes = await encodeAnySubmission(header, delta, { layout, format: wire });
  return { blob: await blobs.put(bytes), residual: await blobs.put(feedback.exportState()) };
}
