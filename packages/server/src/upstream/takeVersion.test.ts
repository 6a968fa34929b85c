/** @file A region's copy of a version: the same root and chunks by either way, and nothing from what is damaged. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { modelLayout } from '@alice/model';
import {
  bytesOf,
  encodeSubmission,
  fromHalves,
  type HashHex,
  halvesOfBytes,
  isCodedError,
} from '@alice/protocol';
import { defaultAggregatorOptions, type ReplicaManifest } from '@alice/training';
import { type BlobStore, openFolderBlobStore } from '../blobs/BlobStore.js';
import { firstVersion, foldRound } from '../compute/foldRound.js';
import { ModelState } from '../compute/ModelState.js';
import { openScratchFolder, type ScratchFolder } from '../compute/scratchFolder.js';
import type { Candidate } from '../state/rounds.js';
import { submissionBounds } from '../submissionBounds.js';
import { HEADER_OF_NO_TASK, randomDelta } from '../testing/TestClient.js';
import { tinyModel, tinyTraining } from '../testing/tinyNetwork.js';
import { type TakenVersion, type TakeRequest, takeVersion } from './takeVersion.js';

describe('taking over a version', () => {
  const layout = modelLayout(tinyModel);
  const options = {
    model: tinyModel,
    seed: 'take',
    bounds: submissionBounds(layout, tinyTraining),
    secret: 'secret',
  };
  const model = (blobs: BlobStore) => new ModelState(options, blobs);
  let dir: string;
  let upstream: BlobStore;
  let region: BlobStore;
  let scratch: ScratchFolder;
  let versions: Candidate[];
  let manifests: ReplicaManifest[];
  let first: TakenVersion;

  const take = (request: TakeRequest) => takeVersion(model(region), region, scratch, request);
  const fetched = async (hashes: readonly string[]): Promise<void> => {
    for (const hash of hashes) await region.put(await upstream.get(hash));
  };
  const pathOf = ({ hash }: { hash: string }) => join(dir, 'region', hash.slice(2, 4), hash.slice(2));

  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'alice-take-'));
    upstream = openFolderBlobStore(join(dir, 'upstream'));
    region = openFolderBlobStore(join(dir, 'region'));
    scratch = openScratchFolder(join(dir, 'folding'));
    versions = [await firstVersion(model(upstream), upstream, scratch)];
    for (const seed of ['a', 'b']) {
      const { stateRoot, master } = versions.at(-1)!;
      const blob = await upstream.put(
        await encodeSubmission(HEADER_OF_NO_TASK, randomDelta(layout, seed), layout),
      );
      const { candidate } = await foldRound(model(upstream), upstream, scratch, {
        base: { version: versions.length - 1, stateRoot, masterHash: master.hash },
        submissions: [{ blobHash: blob.hash, weight: 1 }],
        rule: defaultAggregatorOptions,
        outerLearningRate: 1,
      });
      versions.push(candidate);
    }
    manifests = versions.map(({ stateRoot, setDelta, snapshot }, version) => ({
      ...{ version, stateRoot, setDelta, snapshot },
      parentStateRoot: version === 0 ? null : versions[version - 1]!.stateRoot,
    }));
    await fetched(versions[0]!.snapshot!.chunks.map(({ hash }) => hash));
    first = await take({ latest: manifests[0]!, chain: null });
    await fetched(manifests.slice(1).map(({ setDelta }) => setDelta!.hash));
  });
  after(() => rmSync(dir, { recursive: true }));

  const byChain = (master: HashHex): TakeRequest => ({
    latest: manifests[2]!,
    chain: { master, manifests: manifests.slice(1) },
  });

  it('has the root and the chunks of the upstream, and the published weights as its master', async () => {
    assert.deepEqual([first.stateRoot, first.snapshot], [versions[0]!.stateRoot, versions[0]!.snapshot]);
    const chunks = await Promise.all(first.snapshot!.chunks.map(({ hash }) => region.get(hash)));
    const published = fromHalves(halvesOfBytes(Buffer.concat(chunks)));
    assert.deepEqual(Buffer.from(await region.get(first.master.hash)), Buffer.from(bytesOf(published)));
  });

  it('comes two set-deltas further, to what the snapshot gives', async () => {
    const taken = await take(byChain(first.master.hash));
    assert.deepEqual([taken.stateRoot, taken.snapshot], [versions[2]!.stateRoot, versions[2]!.snapshot]);
    await fetched(versions[2]!.snapshot!.chunks.map(({ hash }) => hash));
    assert.deepEqual(await take({ latest: manifests[2]!, chain: null }), taken);
  });

  it('takes nothing that has another root, is damaged, or is not whole', async () => {
    const wrong = { ...manifests[2]!, stateRoot: versions[1]!.stateRoot };
    await assert.rejects(
      take({ ...byChain(first.master.hash), latest: wrong }),
      codeIs('REPLICA_ROOT_MISMATCH'),
    );
    const [chunk, ...rest] = versions[0]!.snapshot!.chunks;
    const short = { ...versions[0]!.snapshot!, chunks: rest };
    const request = { latest: { ...manifests[0]!, snapshot: short }, chain: null };
    await assert.rejects(take(request), codeIs('REPLICA_SNAPSHOT_INVALID'));
    writeFileSync(pathOf(chunk!), new Uint8Array(chunk!.sizeBytes));
    await assert.rejects(take({ latest: manifests[0]!, chain: null }), codeIs('BLOB_CORRUPT'));
    const master = await region.get(first.master.hash);
    master[0]! ^= 1;
    writeFileSync(pathOf(first.master), master);
    await assert.rejects(take(byChain(first.master.hash)), (error) => isCodedError(error));
  });
});

const codeIs = (code: string) => (error: unknown) => isCodedError(error) && error.code === code;
