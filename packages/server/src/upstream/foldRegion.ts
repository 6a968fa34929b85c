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
  workShares,
} from '@alice/training';
import type { BlobRef, BlobStore } from '../blobs/BlobStore.js';
import type { ModelState } from '../compute/ModelState.js';
import { contributionDensity } from './contributionBounds.js';

export interface RegionFoldRequest {
  readonly header: SubmissionHeader;
  /** In order of arrival, with what the region's work tests vouch for. */
  readonly submissions: readonly { readonly blobHash: HashHex; readonly verifiedTokens: number }[];
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
  const shares = workShares(submissions.map(({ verifiedTokens }) => verifiedTokens));
  for (const [i, { blobHash }] of submissions.entries())
    aggregator.add({ delta: await model.deltaOf(blobHash), weight: shares[i]! });
  const { density, selection, errorFeedbackDecay: decay, wire } = settings;
  const feedback = new ErrorFeedback(layout, {
    density: contributionDensity(density, submissions.length),
    decay,
    selection,
    asDecoded: (delta) => deltaAsDecoded(delta, wire),
  });
  if (residual !== null) feedback.importState(await blobs.get(residual));
  const delta = feedback.compress(meanOf(aggregator.aggregate(), { rule, shares }));
  const bytes = await encodeAnySubmission(header, delta, { layout, format: wire });
  return { blob: await blobs.put(bytes), residual: await blobs.put(feedback.exportState()) };
}

/** What travels up is the mean of the region's deltas: the upstream divides by work once, over all submissions there are. */
function meanOf(
  aggregate: Float32Array,
  { rule: { rule }, shares }: { rule: AggregatorOptions; shares: readonly number[] },
): Float32Array {
  if (rule !== 'mean-by-work') return aggregate;
  const meanShare = shares.reduce((sum, share) => sum + share, 0) / shares.length;
  return aggregate.map((x) => meanShare * x);
}
