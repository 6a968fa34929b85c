/**
 * @file One fold as the compute thread does it, in a process of its own so that its memory can be told: blobs that were
 * prepared in files become those of a real store in a folder, then the round is folded. For the bench.
 */
import { join } from 'node:path';
import { modelLayout, resolveModel } from '@alice/model';
import type { HashHex } from '@alice/protocol';
import { defaultAggregatorOptions, defaultTrainingSettings } from '@alice/training';
import { type BlobRef, openFolderBlobStore } from '../blobs/BlobStore.js';
import { foldRound } from '../compute/foldRound.js';
import { ModelState } from '../compute/ModelState.js';
import { openScratchFolder } from '../compute/scratchFolder.js';
import { submissionBounds } from '../submissionBounds.js';

export interface FoldLoad {
  readonly dir: string;
  readonly layers: number;
  readonly density: number;
  readonly base: PreparedBlob;
  readonly submissions: readonly PreparedBlob[];
}

export interface PreparedBlob extends BlobRef {
  readonly path: string;
}

export interface FoldTook {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly changedElements: number;
  readonly setDeltaBytes: number | null;
  readonly dropped: number;
}

const { dir, layers, density, base, submissions } = JSON.parse(process.argv[2]!) as FoldLoad;
const blobs = openFolderBlobStore(join(dir, 'blobs'));
for (const { path, ...ref } of [base, ...submissions]) await blobs.adopt(path, ref);
const config = resolveModel('7b', { layers });
const bounds = submissionBounds(modelLayout(config), { ...defaultTrainingSettings, density });
const model = new ModelState({ model: config, seed: '', bounds, secret: '' }, blobs);

const start = performance.now();
const before = process.cpuUsage();
const { candidate, dropped } = await foldRound(model, blobs, openScratchFolder(join(dir, 'folding')), {
  base: { version: 0, stateRoot: `0x${'00'.repeat(32)}` as HashHex, masterHash: base.hash },
  submissions: submissions.map(({ hash }) => ({ blobHash: hash, weight: 1 })),
  rule: defaultAggregatorOptions,
  outerLearningRate: 1,
});
const { user, system } = process.cpuUsage(before);
const took: FoldTook = {
  seconds: (performance.now() - start) / 1e3,
  cpuSeconds: (user + system) / 1e6,
  changedElements: candidate.changedElements,
  setDeltaBytes: candidate.setDelta?.sizeBytes ?? null,
  dropped: dropped.length,
};
process.once('disconnect', () => process.exit()); // the parent looks at this process's memory first
process.send!(took);
