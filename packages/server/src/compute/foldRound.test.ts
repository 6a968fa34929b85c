/** @file The fold: the same submissions give the same version on any run, and what it stores leads to its state root. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { modelLayout } from '@alice/model';
import {
  applySetDelta,
  decodeSetDelta,
  encodeSubmission,
  type HashHex,
  halvesOfBytes,
  stateRoot,
} from '@alice/protocol';
import { defaultAggregatorOptions, publishHalves } from '@alice/training';
import { type BlobStore, openFolderBlobStore } from '../blobs/BlobStore.js';
import type { Candidate } from '../state/rounds.js';
import { submissionBounds } from '../submissionBounds.js';
import { randomDelta } from '../testing/TestClient.js';
import { tinyModel, tinyTraining } from '../testing/tinyNetwork.js';
import { type FoldRequest, firstVersion, foldRound } from './foldRound.js';
import { ModelState } from './ModelState.js';
import { openScratchFolder, type ScratchFolder } from './scratchFolder.js';

describe('folding', () => {
  const layout = modelLayout(tinyModel);
  const bounds = submissionBounds(layout, tinyTraining);
  const options = { model: tinyModel, seed: 'fold', bounds, secret: 'secret' };
  let dir: string;
  let blobs: BlobStore;
  let scratch: ScratchFolder;
  let base: Candidate;
  let hashes: HashHex[];

  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'alice-fold-'));
    blobs = openFolderBlobStore(join(dir, 'blobs'));
    scratch = openScratchFolder(join(dir, 'folding'));
    base = await firstVersion(new ModelState(options, blobs), blobs, scratch);
    hashes = [];
    for (const seed of ['a', 'b', 'c', 'd']) {
      const header = {
        taskId: `0x${'01'.repeat(16)}`,
        nonce: `0x${'02'.repeat(32)}`,
        stateRoot: base.stateRoot,
        baseVersion: 0,
        innerSteps: 1,
        tokens: 1,
        meanTrainingLossNats: 1,
      } as const;
      hashes.push((await blobs.put(await encodeSubmission(header, randomDelta(layout, seed), layout))).hash);
    }
  });
  after(() => rmSync(dir, { recursive: true }));

  const request = (submissions: HashHex[], outerLearningRate = 1): FoldRequest => ({
    base: { version: 0, stateRoot: base.stateRoot, masterHash: base.master.hash },
    submissions: submissions.map((blobHash) => ({ blobHash, weight: 1 })),
    rule: defaultAggregatorOptions,
    outerLearningRate,
  });
  const masterOf = async ({ master }: Candidate): Promise<Float32Array> =>
    new Float32Array((await blobs.get(master.hash)).buffer);
  const fold = (asked: FoldRequest) => foldRound(new ModelState(options, blobs), blobs, scratch, asked);

  it('gives the same bits from stored blobs in a fresh process state', async () => {
    const [once, again] = [await fold(request(hashes)), await fold(request(hashes))];
    assert.deepEqual(once, again);
    assert.notEqual(once.candidate.stateRoot, base.stateRoot);
    assert.deepEqual(once.dropped, []);
  });

  it('gives the same version 0 from the same seed, and another from another', async () => {
    assert.deepEqual(await firstVersion(new ModelState(options, blobs), blobs, scratch), base);
    const other = await firstVersion(new ModelState({ ...options, seed: 'other' }, blobs), blobs, scratch);
    assert.notEqual(other.stateRoot, base.stateRoot);
  });

  it('adds the mean of the deltas: one submission moves the master by itself', async () => {
    const model = new ModelState(options, blobs);
    const { candidate } = await foldRound(model, blobs, scratch, request([hashes[0]!], 0.5));
    const [from, to] = [await masterOf(base), await masterOf(candidate)];
    const { indices, values } = await model.flatDeltaOf(hashes[0]!);
    const expected = from.slice();
    for (let i = 0; i < values.length; i++) expected[indices![i]!] = from[indices![i]!]! + 0.5 * values[i]!;
    const largest = to.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0);
    assert.ok(largest < 1e-7, `largest difference ${largest}`);
    assert.equal(
      candidate.changedElements,
      to.reduce((n, value, i) => n + Number(value !== from[i]), 0),
    );
  });

  it('stores a snapshot and a set-delta of exactly the state root it names', async () => {
    const model = new ModelState(options, blobs);
    const { candidate } = await foldRound(model, blobs, scratch, request(hashes));
    const chunks = await Promise.all(candidate.snapshot.chunks.map(({ hash }) => blobs.get(hash)));
    assert.equal(stateRoot(halvesOfBytes(Buffer.concat(chunks)), layout), candidate.stateRoot);
    const halves = publishHalves(await masterOf(base));
    const delta = await decodeSetDelta(await blobs.get(candidate.setDelta!.hash), { layout });
    applySetDelta(halves, delta);
    assert.equal(stateRoot(halves, layout), candidate.stateRoot);
  });

  it('drops what cannot be folded and says which', async () => {
    const loud = {
      tensors: randomDelta(layout, 'loud').tensors.map((part) => ({
        ...part,
        values: part.values.map(() => 1e6),
      })),
    };
    const header = {
      taskId: `0x${'03'.repeat(16)}`,
      nonce: `0x${'04'.repeat(32)}`,
      stateRoot: base.stateRoot,
      baseVersion: 0,
      innerSteps: 1,
      tokens: 1,
      meanTrainingLossNats: 1,
    } as const;
    const { hash } = await blobs.put(await encodeSubmission(header, loud, layout));
    const missing: HashHex = `0x${'55'.repeat(32)}`;
    const { candidate, dropped } = await fold(request([hashes[0]!, hash, missing, hashes[1]!]));
    assert.deepEqual(
      dropped.map(({ position, code }) => [position, code]),
      [
        [1, 'DELTA_INVALID'],
        [2, 'BLOB_MISSING'],
      ],
    );
    assert.equal(candidate.stateRoot, (await fold(request([hashes[0]!, hashes[1]!]))).candidate.stateRoot);
  });
});
