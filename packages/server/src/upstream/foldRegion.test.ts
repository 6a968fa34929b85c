/**
 * @file A region's fold by parts: contribution and residual have the bits of one that holds the model, round after round; and what
 * happens when the residual is lost, the process is killed or the disk is full.
 */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { modelLayout } from '@alice/model';
import {
  bytesOf,
  CodedError,
  deltaAsDecoded,
  encodeAnySubmission,
  encodeSubmission,
  errorCodeOf,
  type HashHex,
  type WireFormat,
} from '@alice/protocol';
import {
  type AggregatorOptions,
  defaultAggregatorOptions,
  ErrorFeedback,
  groupsOf,
  StreamingAggregator,
  workShares,
} from '@alice/training';
import fc from 'fast-check';
import { type BlobStore, openFolderBlobStore } from '../blobs/BlobStore.js';
import { FileTermStore } from '../compute/FileTermStore.js';
import type { NewTermStore } from '../compute/foldRound.js';
import { ModelState } from '../compute/ModelState.js';
import { openScratchFolder, type ScratchFolder } from '../compute/scratchFolder.js';
import { submissionBounds } from '../submissionBounds.js';
import { makeSmallDisk } from '../testing/smallDisk.js';
import { HEADER_OF_NO_TASK, randomDelta } from '../testing/TestClient.js';
import { tinyModel, tinyTraining } from '../testing/tinyNetwork.js';
import { contributionDensity } from './contributionBounds.js';
import { foldRegion, type RegionFold, type RegionFoldRequest } from './foldRegion.js';

const layout = modelLayout(tinyModel);

/** The same with the whole model in memory: `residual` goes from round to round. */
async function foldWhole(
  model: ModelState,
  { header, submissions, rule, settings }: RegionFoldRequest,
  residual: Float32Array,
): Promise<Uint8Array> {
  const { density, selection, errorFeedbackDecay: decay, wire } = settings;
  const feedback = new ErrorFeedback(layout, {
    ...{ decay, selection, density: contributionDensity(density, submissions.length) },
    asDecoded: (delta) => deltaAsDecoded(delta, wire),
  });
  feedback.residual.set(residual);
  const aggregator = new StreamingAggregator(layout, rule);
  const shares = workShares(submissions.map(({ verifiedTokens }) => verifiedTokens));
  for (const [i, { blobHash }] of submissions.entries())
    aggregator.add({ delta: await model.deltaOf(blobHash), weight: shares[i]! });
  const mean =
    rule.rule === 'mean-by-work' ? shares.reduce((sum, share) => sum + share, 0) / shares.length : 1;
  const sent = feedback.compress(aggregator.aggregate().map((x) => mean * x));
  residual.set(feedback.residual);
  return encodeAnySubmission(header, sent, { layout, format: wire });
}

describe("a region's fold", () => {
  const bounds = submissionBounds(layout, tinyTraining);
  const options = { model: tinyModel, seed: 'region', bounds, secret: 'secret' };
  let dir: string;
  let blobs: BlobStore;
  let scratch: ScratchFolder;
  let hashes: HashHex[];
  let first: RegionFold;

  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'alice-fold-region-'));
    blobs = openFolderBlobStore(join(dir, 'blobs'));
    scratch = openScratchFolder(join(dir, 'folding'));
    hashes = [];
    for (const seed of ['a', 'b', 'c', 'd', 'e']) {
      const bytes = await encodeSubmission(HEADER_OF_NO_TASK, randomDelta(layout, seed), layout);
      hashes.push((await blobs.put(bytes)).hash);
    }
    first = await fold(request(hashes));
  });
  after(() => rmSync(dir, { recursive: true }));

  const request = (of: HashHex[], residual: HashHex | null = null): RegionFoldRequest => ({
    ...{ header: HEADER_OF_NO_TASK, rule: defaultAggregatorOptions, residual },
    submissions: of.map((blobHash) => ({ blobHash, verifiedTokens: 1_000 })),
    settings: { ...tinyTraining, density: 0.002 },
  });
  const fold = (asked: RegionFoldRequest, newTerms?: NewTermStore, store = blobs): Promise<RegionFold> =>
    foldRegion(new ModelState(options, store), store, scratch, asked, newTerms);
  const pathOf = (hash: HashHex): string => join(dir, 'blobs', hash.slice(2, 4), hash.slice(2));

  it('has the bits of one that holds the model: by any rule, selection and wire format, cut anywhere, for rounds in a row', async () => {
    const model = new ModelState(options, blobs);
    const drawn = fc.record({
      rule: fc.record({
        rule: fc.constantFrom<AggregatorOptions['rule'][]>(
          'mean',
          'mean-by-work',
          'score-weighted',
          'median-of-means',
        ),
        clip: fc.boolean(),
        groups: fc.integer({ min: 1, max: 4 }),
      }),
      settings: fc.record({
        density: fc.constantFrom(0.0003, 0.004, 0.4),
        selection: fc.constantFrom('chunked' as const, 'global' as const),
        errorFeedbackDecay: fc.constantFrom(0, 0.95, 1),
        wire: fc.constantFrom<WireFormat[]>(
          { wire: 'binary_v2' },
          { wire: 'binary_v3', valueBits: 2 },
          { wire: 'binary_v3', valueBits: 4 },
          { wire: 'binary_v3', valueBits: 8 },
        ),
      }),
      parts: fc.record({
        partElements: fc.integer({ min: 500, max: 2 * layout.size }),
        logBytes: fc.constantFrom(1, 2 ** 30),
      }),
      rounds: fc.array(fc.subarray([0, 1, 2, 3, 4], { minLength: 1 }), { minLength: 1, maxLength: 3 }),
    });
    const property = fc.asyncProperty(drawn, async ({ rule, settings, parts, rounds }) => {
      const inParts: NewTermStore = (of, by, newFile) => new FileTermStore(of, groupsOf(by), newFile, parts);
      const whole = new Float32Array(layout.size);
      let residual: HashHex | null = null;
      for (const round of rounds) {
        const submissions = round.map((i) => ({ blobHash: hashes[i]!, verifiedTokens: 300 * (i % 3) }));
        const asked: RegionFoldRequest = { header: HEADER_OF_NO_TASK, submissions, rule, settings, residual };
        const folded = await foldRegion(model, blobs, scratch, asked, inParts);
        assert.deepEqual(await blobs.get(folded.blob.hash), await foldWhole(model, asked, whole));
        assert.ok(Buffer.from(await blobs.get(folded.residual.hash)).equals(bytesOf(whole)));
        assert.deepEqual(await foldRegion(model, blobs, scratch, asked), folded, 'in one part');
        residual = folded.residual.hash;
      }
    });
    await fc.assert(property, { numRuns: 25 });
    assert.deepEqual(readdirSync(join(dir, 'folding')), [], 'nothing is left');
  });

  it('begins with no residual when the last one is gone, damaged or of another form, and says so', async () => {
    const expected = await fold(request(hashes.slice(1)));
    const bytes = await blobs.get(first.residual.hash);
    const { hash } = first.residual;
    assert.notDeepEqual(await fold(request(hashes.slice(1), hash)), expected);
    const again = () => fold(request(hashes.slice(1), hash));
    const damaged = bytes.slice();
    damaged.fill(0xff, damaged.length - 4); // not a number
    for (const [of, code] of [
      [damaged, 'BLOB_CORRUPT'],
      [bytes.subarray(4), 'BLOB_CORRUPT'],
      [undefined, 'BLOB_MISSING'],
    ] as const) {
      if (of) writeFileSync(pathOf(hash), of);
      else await blobs.delete(hash);
      assert.deepEqual(await again(), { ...expected, lostResidual: code });
    }
    await blobs.put(bytes);
    assert.equal((await again()).lostResidual, undefined);
  });

  it('fails when a submission is gone, or the residual cannot be reached: that may be over soon', async () => {
    const missing: HashHex = `0x${'55'.repeat(32)}`;
    await assert.rejects(fold(request([...hashes, missing], first.residual.hash)), codeIs('BLOB_MISSING'));
    const away: BlobStore = {
      ...blobs,
      readInto: async () => {
        throw new CodedError({ code: 'BLOBS_UNREACHABLE', retryAfterMs: 1 } as { code: string }, 'away');
      },
    };
    await assert.rejects(
      fold(request(hashes, first.residual.hash), undefined, away),
      codeIs('BLOBS_UNREACHABLE'),
    );
  });

  it('killed in the middle leaves files that the next start removes, and gives the same then', async () => {
    const asked = request(hashes.slice(2), first.residual.hash);
    const expected = await fold(asked);
    for (const { hash } of [expected.blob, expected.residual]) await blobs.delete(hash);
    const folding = join(dir, 'killed');
    const load = { blobs: join(dir, 'blobs'), scratch: folding, options, request: asked };
    const child = fork(new URL('../testing/stuckFold.js', import.meta.url), [JSON.stringify(load)]);
    await once(child, 'message');
    child.kill('SIGKILL');
    await once(child, 'exit');
    assert.ok(readdirSync(folding).length > 0, 'it was in the middle');
    const reopened = openScratchFolder(folding);
    assert.deepEqual(readdirSync(folding), []);
    assert.deepEqual(await foldRegion(new ModelState(options, blobs), blobs, reopened, asked), expected);
    assert.deepEqual(readdirSync(folding), [], 'nothing is left by one that ends');
  });

  it('says that the disk is full, keeps nothing on it, and folds when there is room again', async (t) => {
    const disk = makeSmallDisk(12 * layout.size);
    t.after(() => disk.remove());
    if (disk.kind !== 'tmpfs') return t.skip('needs a disk of its own, which only root on Linux can make');
    const folding = openScratchFolder(join(disk.dir, 'folding'));
    const [model, asked] = [new ModelState(options, blobs), request(hashes, first.residual.hash)];
    for (const leave of [4_096, 6 * layout.size]) {
      disk.fill(leave);
      await assert.rejects(foldRegion(model, blobs, folding, asked), codeIs('DISK_FULL'), `${leave} left`);
      assert.deepEqual(readdirSync(join(disk.dir, 'folding')), []);
      disk.free();
    }
    assert.deepEqual(await foldRegion(model, blobs, folding, asked), await fold(asked));
  });
});

const codeIs = (code: string) => (error: unknown) => errorCodeOf(error) === code;
