/**
 * @file Builds the next model version out of accepted submissions: aggregate in order of arrival, outer step on the
 * FP32 master, publish as FP16. Deterministic arithmetic (AGG-4): the same blobs give the same state root anywhere,
 * so after a crash the fold is simply done again. Everything it makes is in the blob store before it returns;
 * whether the result is published is not decided here.
 */
import { cutSnapshot, encodeSetDelta, type HashHex, littleEndianBytes, stateRoot } from '@alice/protocol';
import { type AggregatorOptions, foldSubmissions, publishHalves } from '@alice/training';
import type { BlobStore } from '../blobs/BlobStore.js';
import type { Candidate } from '../state/rounds.js';
import type { ModelState } from './ModelState.js';

export interface FoldRequest {
  readonly base: { readonly version: number; readonly stateRoot: HashHex; readonly masterHash: HashHex };
  /** In order of arrival; weights only matter to a score-weighted rule. */
  readonly submissions: readonly {
    readonly blobHash: HashHex;
    readonly weight: number;
    /** How many submissions it is the mean of already; 1 when left out. */
    readonly members?: number;
  }[];
  readonly rule: AggregatorOptions;
  readonly outerLearningRate: number;
}

export interface FoldResult {
  readonly candidate: Candidate;
  /** Submissions that cannot be folded (by position) with why; they are not part of the candidate. */
  readonly dropped: readonly { readonly position: number; readonly code: string; readonly reason: string }[];
}

/** Throws `BLOB_MISSING` or `BLOB_CORRUPT` when the base's master is damaged. Cost: O(parameters + entries). */
export async function foldRound(
  model: ModelState,
  blobs: BlobStore,
  request: FoldRequest,
): Promise<FoldResult> {
  const base = await model.master(request.base.masterHash);
  const { master, changedElements, dropped } = await foldSubmissions({
    layout: model.layout,
    base,
    rule: request.rule,
    outerLearningRate: request.outerLearningRate,
    count: request.submissions.length,
    deltaAt: async (position) => {
      const { blobHash, weight, members = 1 } = request.submissions[position]!;
      return { delta: await model.deltaOf(blobHash), weight, members };
    },
  });
  const from = publishHalves(base);
  const to = publishHalves(master);
  const root = stateRoot(to, model.layout, model.sha256);
  const header = {
    fromVersion: request.base.version,
    toVersion: request.base.version + 1,
    fromRoot: request.base.stateRoot,
    toRoot: root,
  };
  const setDelta = await blobs.put(await encodeSetDelta(header, { from, to, layout: model.layout }));
  const stored = await storeVersion(model, blobs, { master, halves: to });
  return { candidate: { stateRoot: root, ...stored, setDelta, changedElements }, dropped };
}

/** Version 0: seeded random weights, rounded to the FP16 they are published in. */
export async function firstVersion(model: ModelState, blobs: BlobStore): Promise<Candidate> {
  const { master, halves } = model.initial();
  const stored = await storeVersion(model, blobs, { master, halves });
  return {
    stateRoot: stateRoot(halves, model.layout, model.sha256),
    ...stored,
    setDelta: null,
    changedElements: model.layout.size,
  };
}

async function storeVersion(
  model: ModelState,
  blobs: BlobStore,
  { master, halves }: { master: Float32Array; halves: Uint16Array },
): Promise<Pick<Candidate, 'master' | 'snapshot'>> {
  const { index, parts } = cutSnapshot(littleEndianBytes(halves));
  for (const part of parts) await blobs.put(part);
  return {
    master: await model.storeMaster(master),
    snapshot: { ...index, chunks: index.chunks.map((chunk) => ({ ...chunk, hash: chunk.hash as HashHex })) },
  };
}
