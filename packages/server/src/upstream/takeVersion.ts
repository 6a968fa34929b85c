/**
 * @file Stores a version of the upstream as this region's own: from the version before and what has changed since, or from its
 * snapshot. A part at a time, from blobs to blobs, on the compute thread; all it reads was fetched before. Simply done again
 * after a crash.
 */
import { fromHalves, type HashHex, halvesOfBytes, type SetDelta, toHalves } from '@alice/protocol';
import { deltasOf, PART_ELEMENTS, type ReplicaManifest, requireRoot, snapshotOf } from '@alice/training';
import { DeltaWriter, requireIndex } from '@alice/training/node';
import type { BlobStore } from '../blobs/BlobStore.js';
import type { ModelState } from '../compute/ModelState.js';
import { readVector } from '../compute/readVector.js';
import type { ScratchFolder } from '../compute/scratchFolder.js';
import { VersionWriter } from '../compute/VersionWriter.js';
import type { Candidate } from '../state/rounds.js';

export interface TakeRequest {
  readonly latest: ReplicaManifest;
  /** The master of the version that it is made of, and the manifests since, oldest first. Null: its snapshot is read. */
  readonly chain: { readonly master: HashHex; readonly manifests: readonly ReplicaManifest[] } | null;
}

export type TakenVersion = Pick<Candidate, 'stateRoot' | 'master' | 'snapshot'>;

/**
 * Throws `REPLICA_ROOT_MISMATCH`, `REPLICA_SNAPSHOT_INVALID`, `BLOB_MISSING`, `BLOB_CORRUPT`, `DISK_FULL`; then nothing refers
 * to what was stored. Cost: O(parameters + entries); memory: a part, and the set-deltas.
 */
export function takeVersion(
  model: ModelState,
  blobs: BlobStore,
  scratch: ScratchFolder,
  request: TakeRequest,
): Promise<TakenVersion> {
  return scratch.use(async (newFile) => {
    const version = new VersionWriter(model.layout, blobs, newFile);
    for await (const halves of partsOf(model, blobs, request))
      await version.add({ halves, master: fromHalves(halves) });
    const taken = await version.finish();
    requireRoot(request.latest, taken.stateRoot);
    return taken;
  });
}

function partsOf(
  model: ModelState,
  blobs: BlobStore,
  { latest, chain }: TakeRequest,
): AsyncIterable<Uint16Array> {
  return chain ? changedParts(model, blobs, { latest, ...chain }) : snapshotParts(model, blobs, latest);
}

/** What an older version has become. Halves are exact in FP32, so its master has them. */
async function* changedParts(
  { layout }: ModelState,
  blobs: BlobStore,
  { latest, master, manifests }: NonNullable<TakeRequest['chain']> & Pick<TakeRequest, 'latest'>,
): AsyncGenerator<Uint16Array> {
  const source = {
    ...{ layout, latest, manifestOf: async () => undefined },
    fetchBlob: (hash: HashHex) => blobs.get(hash),
  };
  const deltas: SetDelta[] = [];
  for await (const delta of deltasOf(manifests, source)) deltas.push(delta);
  const writers = deltas.map((delta) => new DeltaWriter(delta));
  const before = await readVector(blobs, master, layout);
  for (let at = 0; at < layout.size; at += PART_ELEMENTS) {
    const halves = toHalves(await before.read(at, Math.min(PART_ELEMENTS, layout.size - at)));
    for (const writer of writers) writer.writeInto(halves, at);
    yield halves;
  }
  before.check();
}

async function* snapshotParts(
  { layout }: ModelState,
  blobs: BlobStore,
  latest: ReplicaManifest,
): AsyncGenerator<Uint16Array> {
  const snapshot = snapshotOf(latest);
  requireIndex(snapshot, 2 * layout.size);
  for (const { hash } of snapshot.chunks) yield halvesOfBytes(await blobs.get(hash));
}
