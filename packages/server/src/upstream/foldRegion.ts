/**
 * @file Makes one submission out of a region's: their mean by the network's own rule, compressed like a miner's delta, with a
 * residual for what does not fit. A part of the model at a time, from files to files: memory holds a few parts of a model of
 * any size, and the contribution. Deterministic, so it is simply done again after a crash. Stores what it makes; sends nothing.
 */
import {
  bytesOf,
  deltaAsDecoded,
  encodeAnySubmission,
  type HashHex,
  isCodedError,
  type SubmissionHeader,
} from '@alice/protocol';
import {
  type AggregatorOptions,
  PartwiseErrorFeedback,
  StreamingAggregator,
  type TrainingSettings,
  workShares,
} from '@alice/training';
import type { BlobRef, BlobStore } from '../blobs/BlobStore.js';
import { type NewTermStore, termStoreFor } from '../compute/foldRound.js';
import type { ModelState } from '../compute/ModelState.js';
import { readVector } from '../compute/readVector.js';
import type { NewScratchFile, ScratchFolder } from '../compute/scratchFolder.js';
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
  /** FP32 in layout order. */
  readonly residual: BlobRef;
  /** Why the last residual was left out, if it was: it is gone or damaged, and what it held is lost. */
  readonly lostResidual?: string;
}

/** What is made use of: a test has a model of its own. */
export type RegionModel = Pick<ModelState, 'layout' | 'deltaOf'>;

/**
 * Throws `BLOB_MISSING`, `BLOB_CORRUPT` of a submission, `DISK_FULL`; then nothing refers to what was stored.
 * Cost: O(parameters + entries).
 */
export async function foldRegion(
  model: RegionModel,
  blobs: BlobStore,
  scratch: ScratchFolder,
  request: RegionFoldRequest,
  newTerms: NewTermStore = termStoreFor,
): Promise<RegionFold> {
  const fold = (asked: RegionFoldRequest): Promise<RegionFold> =>
    scratch.use((newFile) => foldParts(model, blobs, asked, { newFile, newTerms }));
  try {
    return await fold(request);
  } catch (error) {
    const lostResidual = reasonOfLoss(error, request.residual);
    if (lostResidual === undefined) throw error;
    return { ...(await fold({ ...request, residual: null })), lostResidual };
  }
}

/** Its code when an error says that the residual cannot be had again. One that cannot be reached is not lost. */
function reasonOfLoss(error: unknown, residual: HashHex | null): string | undefined {
  const isItsOwn = isCodedError(error) && 'hash' in error.info && error.info.hash === residual;
  return isItsOwn && (error.code === 'BLOB_MISSING' || error.code === 'BLOB_CORRUPT')
    ? error.code
    : undefined;
}

async function foldParts(
  model: RegionModel,
  blobs: BlobStore,
  { header, submissions, rule, settings, residual }: RegionFoldRequest,
  { newFile, newTerms }: { newFile: NewScratchFile; newTerms: NewTermStore },
): Promise<RegionFold> {
  const { layout } = model;
  const { density, selection, errorFeedbackDecay: decay, wire } = settings;
  const before = residual === null ? undefined : await readVector(blobs, residual, layout);
  const feedback = new PartwiseErrorFeedback(layout, {
    ...{ decay, selection, density: contributionDensity(density, submissions.length) },
    asDecoded: (delta) => deltaAsDecoded(delta, wire),
    ...{ residual: before?.read, scratch: newFile() },
  });
  const aggregator = new StreamingAggregator(layout, rule, newTerms(layout, rule, newFile));
  const shares = workShares(submissions.map(({ verifiedTokens }) => verifiedTokens));
  for (const [i, { blobHash }] of submissions.entries())
    aggregator.add({ delta: await model.deltaOf(blobHash), weight: shares[i]! });
  for (const { delta } of aggregator.parts()) {
    if (rule.rule === 'mean-by-work') toMean(delta, shares);
    await feedback.add(delta);
  }
  before?.check();
  const sent = feedback.compress();
  const bytes = await encodeAnySubmission(header, sent, { layout, format: wire });
  const left = newFile({ hashed: true });
  for (const part of feedback.rest(sent)) left.append(bytesOf(part));
  return { blob: await blobs.put(bytes), residual: await left.becomeBlob(blobs) };
}

/** What travels up is the mean of the region's deltas: the upstream divides by work once, over all submissions there are. */
function toMean(aggregate: Float32Array, shares: readonly number[]): void {
  const meanShare = shares.reduce((sum, share) => sum + share, 0) / shares.length;
  for (let i = 0; i < aggregate.length; i++) aggregate[i] = meanShare * aggregate[i]!;
}
