/**
 * @file Computes a version's state root again from the submissions it was made of (AGG-4), bit for bit: the function the
 * server itself folds with. The master it starts from must round to the signed root of the version before. A part of the
 * model at a time; the sums of a large one lie in a temporary folder.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  decodeAnySubmission,
  StateRootBuilder,
  type TensorLayout,
  toHex,
  type VersionFold,
} from '@alice/protocol';
import {
  type FoldedPart,
  foldSubmissions,
  publishHalves,
  publishHalvesLike,
  type WeightReader,
} from '@alice/training';
import { termStoreFor } from '../compute/foldRound.js';
import { type NewScratchFile, openScratchFolder } from '../compute/scratchFolder.js';
import { VerifyError } from './VerifyError.js';

export interface RoundPorts {
  readonly layout: TensorLayout;
  readonly fold: VersionFold;
  /** Signed roots of the version before and of the version itself. */
  readonly baseRoot: string;
  readonly root: string;
  /** FP32 master of the version before, by ranges in order. */
  readonly master: WeightReader;
  blob(submissionId: string): Promise<Uint8Array>;
  /** Parts of the recomputed master, in order; nothing is verified before the end. */
  onPart?(part: FoldedPart): void;
}

/** Throws `ROOT_DIFFERS`, `RECEIPT_BLOB_WRONG`. Cost: one fold. */
export async function verifyRound(ports: RoundPorts): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'alice-verify-'));
  try {
    const { from, to } = await openScratchFolder(dir).use((newFile) => rootsOf(ports, newFile));
    checkRoot(ports.fold.baseVersion, ports.baseRoot, from);
    checkRoot(ports.fold.version, ports.root, to);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** Of the version before and of the one that its submissions lead to. */
async function rootsOf(ports: RoundPorts, newFile: NewScratchFile): Promise<{ from: string; to: string }> {
  const { layout, fold } = ports;
  const limits = { layout, maxEntries: layout.size, maxInflatedBytes: 8 * layout.size + 65_536 };
  const rule = { rule: fold.rule, clip: fold.clip, groups: fold.groups };
  const [from, to] = [newRoot(layout), newRoot(layout)];
  const { dropped } = await foldSubmissions({
    ...{ layout, rule, base: ports.master, outerLearningRate: fold.outerLearningRate },
    terms: termStoreFor(layout, rule, newFile),
    count: fold.submissions.length,
    deltaAt: async (position) => {
      const { submissionId, blob, weight, members = 1 } = fold.submissions[position]!;
      const bytes = await ports.blob(submissionId);
      return { delta: (await decodeAnySubmission(named(bytes, blob.hash), limits)).delta, weight, members };
    },
    onPart: (part) => {
      const halves = publishHalves(part.master);
      to.add(halves);
      from.add(publishHalvesLike(part.base, { weights: part.master, halves }));
      ports.onPart?.(part);
    },
  });
  if (dropped[0]) throw new Error(`submission ${dropped[0].position} cannot be added: ${dropped[0].reason}`);
  return { from: from.finish(), to: to.finish() };
}

function newRoot(layout: TensorLayout): StateRootBuilder {
  return new StateRootBuilder(layout, () => createHash('sha256'));
}

function checkRoot(version: number, expected: string, actual: string): void {
  if (expected === actual) return;
  throw new VerifyError(
    { code: 'ROOT_DIFFERS', version, expected, actual },
    `version ${version} is signed with root ${expected}; its parts lead to ${actual}`,
  );
}

function named(bytes: Uint8Array, expected: string): Uint8Array {
  const actual = toHex(new Uint8Array(createHash('sha256').update(bytes).digest()));
  if (actual === expected) return bytes;
  throw new VerifyError(
    { code: 'RECEIPT_BLOB_WRONG', expected, actual },
    `a submission of the version has hash ${actual}, not ${expected}`,
  );
}
