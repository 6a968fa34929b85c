/**
 * @file A miner's or scorer's copy of the published model, kept up to date through ports (SPEC WIRE-3): set-deltas when
 * the chain of them from its version is there and smaller, else the snapshot in verified chunks. A replica that is
 * returned has the published state root, always checked; a replica that is given is never changed.
 */
import {
  applySetDelta,
  decodeSetDelta,
  fromHalves,
  type HashHex,
  halvesOfBytes,
  isCodedError,
  type SetDelta,
  SnapshotAssembly,
  sha256Hex,
  stateRoot,
  type TensorLayout,
  type VersionManifest,
} from '@alice/protocol';
import { TrainingError } from './errors.js';

export interface ModelReplica {
  readonly version: number;
  readonly stateRoot: HashHex;
  /** The published FP16 bits, in layout order. */
  readonly halves: Uint16Array;
}

/** Manifests as the source hands them out; their signatures are the source's business. */
export type ReplicaManifest = Pick<
  VersionManifest,
  'version' | 'stateRoot' | 'parentStateRoot' | 'setDelta' | 'snapshot'
>;

export interface ReplicaSource {
  readonly layout: TensorLayout;
  /** The version wanted, usually the latest. */
  readonly latest: ReplicaManifest;
  /** The manifest of an earlier version; `undefined` when it is no longer kept. */
  manifestOf(version: number): Promise<ReplicaManifest | undefined>;
  /** Bytes by their SHA-256; from anywhere, they are checked here. */
  fetchBlob(hash: HashHex, part: BlobPart): Promise<Uint8Array>;
}

/** Where a blob stands among all that are fetched for one synchronisation. */
export interface BlobPart {
  readonly beforeBytes: number;
  readonly totalBytes: number;
}

/** FP32 weights of a replica: exact, every half is an FP32 number. */
export function parametersOf({ halves }: ModelReplica): Float32Array {
  return fromHalves(halves);
}

/**
 * A replica of `source.latest`, from `replica` if there is one.
 * Throws `REPLICA_ROOT_MISMATCH` when neither deltas nor snapshot lead to the published root, `REPLICA_UNAVAILABLE` when
 * neither is kept, and what the source's ports throw. Cost: the bytes fetched, one hash over the model.
 */
export async function syncReplica(
  replica: ModelReplica | undefined,
  source: ReplicaSource,
): Promise<ModelReplica> {
  const { latest } = source;
  if (replica?.version === latest.version && replica.stateRoot === latest.stateRoot) return replica;
  const chain = replica ? await deltaChain(replica, source) : undefined;
  if (replica && chain) {
    try {
      return await throughDeltas(replica, chain, source);
    } catch (error) {
      // A damaged delta or a copy damaged on disk: the snapshot heals both, if it is still kept.
      if (!isHealedBySnapshot(error) || !latest.snapshot) throw error;
    }
  }
  return throughSnapshot(source);
}

/** Whether a whole snapshot may help where a chain of deltas did not. */
export function isHealedBySnapshot(error: unknown): boolean {
  return isCodedError(error) && /^(WIRE_|REPLICA_)/.test(error.code);
}

/** Manifests after the replica's version up to the latest, oldest first; `undefined` when the snapshot serves better. */
export async function deltaChain(
  replica: Pick<ModelReplica, 'version' | 'stateRoot'>,
  source: ReplicaSource,
): Promise<ReplicaManifest[] | undefined> {
  const limitBytes = source.latest.snapshot?.sizeBytes ?? Number.POSITIVE_INFINITY;
  const chain: ReplicaManifest[] = [];
  let sizeBytes = 0;
  let next: ReplicaManifest | undefined = source.latest;
  while (next && next.version > replica.version) {
    if (!next.setDelta) return undefined;
    sizeBytes += next.setDelta.sizeBytes;
    if (sizeBytes > limitBytes) return undefined;
    chain.unshift(next);
    if (next.version - 1 === replica.version)
      return next.parentStateRoot === replica.stateRoot ? chain : undefined;
    next = await source.manifestOf(next.version - 1);
  }
  return undefined;
}

async function throughDeltas(
  replica: ModelReplica,
  chain: readonly ReplicaManifest[],
  source: ReplicaSource,
): Promise<ModelReplica> {
  const halves = replica.halves.slice();
  for await (const delta of deltasOf(chain, source)) applySetDelta(halves, delta);
  return checkedReplica(halves, source);
}

/** The set-deltas of a chain, each verified. */
export async function* deltasOf(
  chain: readonly ReplicaManifest[],
  source: ReplicaSource,
): AsyncGenerator<SetDelta> {
  const totalBytes = chain.reduce((sum, { setDelta }) => sum + setDelta!.sizeBytes, 0);
  let beforeBytes = 0;
  for (const { version, stateRoot: toRoot, parentStateRoot, setDelta } of chain) {
    const bytes = await verifiedBlob(setDelta!.hash as HashHex, source, { beforeBytes, totalBytes });
    beforeBytes += bytes.length;
    const expected = { fromVersion: version - 1, toVersion: version, toRoot: toRoot as HashHex };
    yield await decodeSetDelta(bytes, {
      layout: source.layout,
      expected: parentStateRoot ? { ...expected, fromRoot: parentStateRoot as HashHex } : expected,
    });
  }
}

async function throughSnapshot(source: ReplicaSource): Promise<ModelReplica> {
  const snapshot = snapshotOf(source.latest);
  const assembly = new SnapshotAssembly(snapshot, 2 * source.layout.size);
  let beforeBytes = 0;
  for (const [chunk, { hash }] of snapshot.chunks.entries()) {
    const part = { beforeBytes, totalBytes: snapshot.sizeBytes };
    const bytes = await source.fetchBlob(hash as HashHex, part);
    assembly.add(chunk, bytes);
    beforeBytes += bytes.length;
  }
  return checkedReplica(halvesOfBytes(assembly.finish()), source);
}

/** Throws `REPLICA_UNAVAILABLE`. */
export function snapshotOf({ snapshot, version }: ReplicaManifest): NonNullable<ReplicaManifest['snapshot']> {
  if (snapshot) return snapshot;
  throw new TrainingError(
    { code: 'REPLICA_UNAVAILABLE', version },
    `version ${version} is no longer kept as a snapshot and no chain of deltas leads to it: ask for the latest version`,
  );
}

async function verifiedBlob(expected: HashHex, source: ReplicaSource, part: BlobPart): Promise<Uint8Array> {
  const bytes = await source.fetchBlob(expected, part);
  const actual = sha256Hex(bytes);
  if (actual === expected) return bytes;
  throw new TrainingError(
    { code: 'REPLICA_BLOB_MISMATCH', expected, actual },
    `a downloaded blob has hash ${actual} instead of ${expected}: fetch it from another mirror`,
  );
}

function checkedReplica(halves: Uint16Array, { layout, latest }: ReplicaSource): ModelReplica {
  requireRoot(latest, stateRoot(halves, layout));
  return { version: latest.version, stateRoot: latest.stateRoot as HashHex, halves };
}

/** Throws `REPLICA_ROOT_MISMATCH`. */
export function requireRoot({ version, stateRoot: expected }: ReplicaManifest, actual: HashHex): void {
  if (actual === expected) return;
  throw new TrainingError(
    { code: 'REPLICA_ROOT_MISMATCH', version, expected: expected as HashHex, actual },
    `the weights rebuilt for version ${version} have root ${actual}, published is ${expected}: fetch the snapshot again`,
  );
}
