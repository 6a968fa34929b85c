/** @file The fold: the same submissions give the same version on any run, and what it stores leads to its state root. */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
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
import {
  type AggregationRule,
  defaultAggregatorOptions,
  defaultOverlapThresholds,
  overlapWithUpdate,
  publishHalves,
} from '@alice/training';
import fc from 'fast-check';
import { type BlobStore, contentHash, openFolderBlobStore } from '../blobs/BlobStore.js';
import type { Candidate } from '../state/rounds.js';
import { submissionBounds } from '../submissionBounds.js';
import { makeSmallDisk } from '../testing/smallDisk.js';
import { HEADER_OF_NO_TASK, randomDelta } from '../testing/TestClient.js';
import { tinyModel, tinyTraining } from '../testing/tinyNetwork.js';
import { compareSubmission } from './compareSubmission.js';
import { FileTermStore } from './FileTermStore.js';
import { type FoldRequest, firstVersion, foldRound, type NewTermStore } from './foldRound.js';
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
      hashes.push(
        (await blobs.put(await encodeSubmission(HEADER_OF_NO_TASK, randomDelta(layout, seed), layout))).hash,
      );
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
    const { hash } = await blobs.put(await encodeSubmission(HEADER_OF_NO_TASK, loud, layout));
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

  it('gives the same version from any partition of the model, by any rule', async () => {
    const rules = fc.record({
      rule: fc.constantFrom<AggregationRule[]>('mean', 'mean-by-work', 'score-weighted', 'median-of-means'),
      clip: fc.boolean(),
      groups: fc.integer({ min: 1, max: 5 }),
    });
    const partition = fc.record({
      partElements: fc.integer({ min: 100, max: 2 * layout.size }),
      logBytes: fc.constantFrom(1, 2 ** 30),
    });
    const missing: HashHex = `0x${'55'.repeat(32)}`;
    const taken = fc.subarray([...hashes, missing], { minLength: 1 });
    await fc.assert(
      fc.asyncProperty(rules, partition, taken, async (rule, parts, submissions) => {
        const asked = { ...request(submissions, 0.7), rule };
        const inParts: NewTermStore = (of, { rule: name, groups }, newFile) =>
          new FileTermStore(of, name === 'median-of-means' ? groups : 1, newFile, parts);
        const state = new ModelState(options, blobs);
        const whole = await foldRound(state, blobs, scratch, asked);
        assert.deepEqual(await foldRound(state, blobs, scratch, asked, inParts), whole);
        assert.equal(whole.dropped.length, Number(submissions.includes(missing)));
      }),
      { numRuns: 8 },
    );
  });

  it('what it changed, sent back, is found to be a copy: in one window, and around the entries of a small delta', async () => {
    const { candidate } = await fold(request(hashes));
    const [from, to] = [await masterOf(base), await masterOf(candidate)];
    const largest = [...to.keys()]
      .sort((a, b) => Math.abs(to[b]! - from[b]!) - Math.abs(to[a]! - from[a]!))
      .slice(0, 100)
      .sort((a, b) => a - b);
    const delta = {
      tensors: layout.tensors.flatMap(({ offset, size }, tensor) => {
        const own = largest.filter((at) => at >= offset && at < offset + size);
        const values = Float32Array.from(own, (at) => to[at]! - from[at]!);
        return own.length === 0
          ? []
          : [{ tensor, indices: Uint32Array.from(own, (at) => at - offset), values }];
      }),
    };
    const { hash } = await blobs.put(await encodeSubmission(HEADER_OF_NO_TASK, delta, layout));
    const state = new ModelState(options, blobs);
    const versions = { from: base.master.hash, to: candidate.master.hash };
    const compare = (blobHash: HashHex) =>
      compareSubmission(state, {
        ...{ blobHash, others: [], published: [versions], sinceBase: 1 },
        thresholds: defaultOverlapThresholds,
      });
    assert.deepEqual(await compare(hash), { copyOf: 'published', overlap: 1 });
    const honest = await encodeSubmission(HEADER_OF_NO_TASK, randomDelta(layout, 'another'), layout);
    assert.equal((await compare((await blobs.put(honest)).hash)).copyOf, 'none');

    const own = await state.flatDeltaOf(hash);
    const around = await state.publishedUpdateAround(own, versions.from, versions.to);
    assert.deepEqual(
      overlapWithUpdate(own, around),
      overlapWithUpdate(own, await state.publishedUpdate(versions.from, versions.to)),
    );
  });

  it('killed in the middle leaves files that the next start removes, and gives the same version then', async () => {
    const expected = await fold(request(hashes));
    for (const { hash } of [expected.candidate.master, expected.candidate.setDelta!])
      await blobs.delete(hash);
    const folding = join(dir, 'killed');
    const load = { blobs: join(dir, 'blobs'), scratch: folding, options, request: request(hashes) };
    const child = fork(new URL('../testing/stuckFold.js', import.meta.url), [JSON.stringify(load)]);
    await once(child, 'message');
    child.kill('SIGKILL');
    await once(child, 'exit');
    assert.ok(readdirSync(folding).length > 0, 'it was in the middle');
    const reopened = openScratchFolder(folding);
    assert.deepEqual(readdirSync(folding), []);
    assert.deepEqual(
      await foldRound(new ModelState(options, blobs), blobs, reopened, request(hashes)),
      expected,
    );
    assert.deepEqual(readdirSync(folding), [], 'nothing is left by one that ends');
  });

  it('gives nothing from a base that is damaged, of another size, or gone', async () => {
    const masterHash = contentHash(new Uint8Array(4 * layout.size).fill(1));
    const path = join(dir, 'blobs', masterHash.slice(2, 4), masterHash.slice(2));
    const from = (): Promise<unknown> =>
      fold({ ...request(hashes), base: { version: 0, stateRoot: base.stateRoot, masterHash } });
    const fails = (code: string) => (error: { info: { code: string } }) => error.info.code === code;
    await assert.rejects(from(), fails('BLOB_MISSING'));
    const bytes = new Uint8Array(4 * layout.size).fill(1);
    await blobs.put(bytes);
    await from();
    bytes[bytes.length - 1] = 2;
    writeFileSync(path, bytes);
    await assert.rejects(from(), fails('BLOB_CORRUPT'));
    writeFileSync(path, bytes.subarray(4));
    await assert.rejects(from(), fails('BLOB_CORRUPT'));
  });

  it('says that the disk is full, keeps nothing on it, and folds when there is room again', async (t) => {
    const disk = makeSmallDisk(8 * layout.size);
    t.after(() => disk.remove());
    if (disk.kind !== 'tmpfs') return t.skip('needs a disk of its own, which only root on Linux can make');
    const folding = openScratchFolder(join(disk.dir, 'folding'));
    const state = new ModelState(options, blobs);
    disk.fill(4_096);
    await assert.rejects(
      foldRound(state, blobs, folding, request(hashes)),
      (error: { info: { code: string } }) => error.info.code === 'DISK_FULL',
    );
    assert.deepEqual(readdirSync(join(disk.dir, 'folding')), []);
    disk.free();
    assert.deepEqual(await foldRound(state, blobs, folding, request(hashes)), await fold(request(hashes)));
  });
});
