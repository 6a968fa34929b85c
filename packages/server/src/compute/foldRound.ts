/**
 * @file Builds the next model version out of accepted submissions: aggregate in order of arrival, outer step on the
 * FP32 master, publish as FP16. A part of the model at a time, from files to files, so that memory holds a few parts of a
 * model of any size. Deterministic arithmetic (AGG-4): the same blobs give the same state root anywhere, so after a
 * crash the fold is simply done again. Everything it makes is in the blob store before it returns; whether the result is
 * published is not decided here.
 */
import { type HashHex, SetDeltaEncoder, type SetDeltaHeader, type TensorLayout } from '@alice/protocol';
import {
  type AggregatorOptions,
  foldSubmissions,
  groupsOf,
  MemoryTermStore,
  PART_ELEMENTS,
  publishHalves,
  publishHalvesLike,
  type TermStore,
} from '@alice/training';
import type { BlobRef, BlobStore } from '../blobs/BlobStore.js';
import type { Candidate } from '../state/rounds.js';
import { FileTermStore } from './FileTermStore.js';
import type { ModelState } from './ModelState.js';
import { readVector } from './readVector.js';
import type { NewScratchFile, ScratchFolder } from './scratchFolder.js';
import { VersionWriter } from './VersionWriter.js';

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

/**
 * Throws `BLOB_MISSING` or `BLOB_CORRUPT` when the base's master is damaged, `DISK_FULL`; then nothing refers to what was
 * stored. Cost: O(parameters + entries).
 */
export function foldRound(
  model: ModelState,
  blobs: BlobStore,
  scratch: ScratchFolder,
  request: FoldRequest,
  newTerms: NewTermStore = termStoreFor,
): Promise<FoldResult> {
  const { layout } = model;
  const { rule, outerLearningRate, submissions } = request;
  return scratch.use(async (newFile) => {
    const base = await readVector(blobs, request.base.masterHash, layout);
    const version = new VersionWriter(layout, blobs, newFile);
    const changes = new SetDeltaEncoder(layout, { newScratch: newFile });
    const { changedElements, dropped } = await foldSubmissions({
      ...{ layout, rule, outerLearningRate },
      base: base.read,
      terms: newTerms(layout, rule, newFile),
      count: submissions.length,
      deltaAt: async (position) => {
        const { blobHash, weight, members = 1 } = submissions[position]!;
        return { delta: await model.deltaOf(blobHash), weight, members };
      },
      onPart: async ({ base: before, master }) => {
        const halves = publishHalves(master);
        changes.add(publishHalvesLike(before, { weights: master, halves }), halves);
        await version.add({ master, halves });
      },
    });
    base.check();
    const stored = await version.finish();
    const header = {
      fromVersion: request.base.version,
      toVersion: request.base.version + 1,
      fromRoot: request.base.stateRoot,
      toRoot: stored.stateRoot,
    };
    const setDelta = await storeSetDelta(changes, header, { blobs, newFile });
    return { candidate: { ...stored, setDelta, changedElements }, dropped };
  });
}

/** Where the sums of a fold are made: no choice changes a bit of the result. */
export type NewTermStore = (
  layout: TensorLayout,
  rule: AggregatorOptions,
  newFile: NewScratchFile,
) => TermStore;

/** Sums of one part are made in memory; those of a model of more parts in files. */
export function termStoreFor(
  layout: TensorLayout,
  rule: AggregatorOptions,
  newFile: NewScratchFile,
): TermStore {
  const groups = groupsOf(rule);
  return groups * layout.size <= PART_ELEMENTS
    ? new MemoryTermStore(layout, groups)
    : new FileTermStore(layout, groups, newFile);
}

/** Null when more has changed than the format can say. */
async function storeSetDelta(
  changes: SetDeltaEncoder,
  header: SetDeltaHeader,
  { blobs, newFile }: { blobs: BlobStore; newFile: NewScratchFile },
): Promise<BlobRef | null> {
  const bytes = changes.finish(header);
  if (!bytes) return null;
  const file = newFile({ hashed: true });
  for (const piece of bytes.pieces()) file.append(piece);
  return file.becomeBlob(blobs);
}

/** Version 0: seeded random weights, rounded to the FP16 they are published in. */
export function firstVersion(
  model: ModelState,
  blobs: BlobStore,
  scratch: ScratchFolder,
): Promise<Candidate> {
  return scratch.use(async (newFile) => {
    const version = new VersionWriter(model.layout, blobs, newFile);
    for (const part of model.initialParts()) await version.add(part);
    return { ...(await version.finish()), setDelta: null, changedElements: model.layout.size };
  });
}
