/**
 * @file Looks for copies (SCORE-4 c): the same content as an earlier submission of the round, nearly the same indices,
 * or a recently published update sent back. Says what it found; the refusal is decided elsewhere.
 */
import { type HashHex, isCodedError } from '@alice/protocol';
import {
  entriesWithin,
  type FlatDelta,
  leanOnOlder,
  type OverlapThresholds,
  overlapOf,
  overlapWithUpdate,
  type PublishedUpdate,
} from '@alice/training';
import type { ModelState } from './ModelState.js';

export interface CompareRequest {
  readonly blobHash: HashHex;
  /** Earlier submissions of other miners that may have been copied: those that the index named. */
  readonly others: readonly { readonly submissionId: string; readonly blobHash: HashHex }[];
  /** Master blobs around the last applied rounds, newest first; those after its base come first. */
  readonly published: readonly { readonly from: HashHex; readonly to: HashHex }[];
  /** How many of `published` its base did not contain yet. */
  readonly sinceBase: number;
  readonly thresholds: OverlapThresholds;
}

export type CompareResult =
  | { copyOf: 'none'; lean: number | undefined }
  | { copyOf: 'submission'; submissionId: string; overlap: number }
  | { copyOf: 'published'; overlap: number };

/**
 * With many miners an update covers much of the model, so that honest indices lie within it too: a copy of it is
 * called so only when the values agree as well.
 */
const PUBLISHED_COSINE = 0.8;

/**
 * Cost: a pass over its entries for each published update, a merge of sketches for each candidate, and one of all entries
 * for what that does not rule out.
 */
export async function compareSubmission(model: ModelState, request: CompareRequest): Promise<CompareResult> {
  const own = await model.flatDeltaOf(request.blobHash);
  for (const { submissionId, blobHash } of request.others) {
    const other = await suspect(model, request.blobHash, blobHash);
    if (!other) continue;
    const { indexFraction } = overlapOf(own, other);
    if (indexFraction >= request.thresholds.copy)
      return { copyOf: 'submission', submissionId, overlap: indexFraction };
  }
  const overlaps: number[] = [];
  for (const { from, to } of request.published) {
    const { indexFraction, cosine } = overlapWithUpdate(
      own,
      await updateFor(model, own, { from, to }),
      model.sampleKey,
    );
    overlaps.push(indexFraction);
    if (indexFraction >= request.thresholds.copy && cosine >= PUBLISHED_COSINE)
      return { copyOf: 'published', overlap: indexFraction };
  }
  return { copyOf: 'none', lean: leanOnOlder(overlaps.slice(request.sinceBase)) };
}

/** Fewer entries than this say little about the rest. */
const ENOUGH_ENTRIES = 1_024;

/** The update as it is held; where a delta has hardly an entry in that, the update around its entries. */
async function updateFor(
  model: ModelState,
  own: FlatDelta,
  { from, to }: { from: HashHex; to: HashHex },
): Promise<PublishedUpdate> {
  const update = await model.publishedUpdate(from, to);
  const within = entriesWithin(own, update);
  if (within >= ENOUGH_ENTRIES || within === own.values.length) return update;
  return model.publishedUpdateAround(own, from, to);
}

/**
 * The other delta, if it may be a copy. An earlier submission whose blob is damaged cannot be compared with; its own
 * fold will say so.
 */
async function suspect(model: ModelState, own: HashHex, blobHash: HashHex): Promise<FlatDelta | undefined> {
  try {
    return (await model.mayBeCopies(own, blobHash)) ? await model.flatDeltaOf(blobHash) : undefined;
  } catch (error) {
    if (isCodedError(error)) return undefined;
    throw error;
  }
}
