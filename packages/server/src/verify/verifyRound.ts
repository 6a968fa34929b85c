/**
 * @file Computes a version's state root again from the submissions it was made of (AGG-4), bit for bit: the function the
 * server itself folds with. The master it starts from must round to the signed root of the version before.
 */
import { createHash } from 'node:crypto';
import { decodeAnySubmission, stateRoot, type TensorLayout, toHex, type VersionFold } from '@alice/protocol';
import { foldSubmissions, publishHalves } from '@alice/training';
import { VerifyError } from './VerifyError.js';

export interface RoundPorts {
  readonly layout: TensorLayout;
  readonly fold: VersionFold;
  /** Signed roots of the version before and of the version itself. */
  readonly baseRoot: string;
  readonly root: string;
  /** FP32 master of the version before. */
  master(): Promise<Float32Array>;
  blob(submissionId: string): Promise<Uint8Array>;
}

/** Returns the recomputed master. Throws `ROOT_DIFFERS`, `RECEIPT_BLOB_WRONG`. Cost: one fold. */
export async function verifyRound(ports: RoundPorts): Promise<Float32Array> {
  const { layout, fold } = ports;
  const base = await ports.master();
  checkRoot(fold.baseVersion, ports.baseRoot, rootOf(base, layout));
  const limits = { layout, maxEntries: layout.size, maxInflatedBytes: 8 * layout.size + 65_536 };
  const { master, dropped } = await foldSubmissions({
    layout,
    base,
    rule: { rule: fold.rule, clip: fold.clip, groups: fold.groups },
    outerLearningRate: fold.outerLearningRate,
    count: fold.submissions.length,
    deltaAt: async (position) => {
      const { submissionId, blob, weight, members = 1 } = fold.submissions[position]!;
      const bytes = await ports.blob(submissionId);
      return { delta: (await decodeAnySubmission(named(bytes, blob.hash), limits)).delta, weight, members };
    },
  });
  if (dropped[0]) throw new Error(`submission ${dropped[0].position} cannot be added: ${dropped[0].reason}`);
  checkRoot(fold.version, ports.root, rootOf(master, layout));
  return master;
}

function rootOf(master: Float32Array, layout: TensorLayout): string {
  const sha256 = (bytes: Uint8Array) => new Uint8Array(createHash('sha256').update(bytes).digest());
  return stateRoot(publishHalves(master), layout, sha256);
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
