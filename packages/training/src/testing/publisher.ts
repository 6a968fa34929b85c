/** @file A publisher of small model versions, each a sparse change of the one before. */
import {
  cutSnapshot,
  encodeSetDelta,
  type HashHex,
  littleEndianBytes,
  sha256Hex,
  stateRoot,
  type TensorLayout,
} from '@alice/protocol';
import { publishHalves } from '../aggregation/publishHalves.js';
import type { ModelReplica, ReplicaManifest, ReplicaSource } from '../modelReplica.js';
import { normalVector } from './vectors.js';

export interface PublisherOptions {
  readonly layout: TensorLayout;
  /** Every so many elements one changes from version to version. */
  readonly stride?: number;
  readonly chunkBytes?: number;
}

/** A publisher with `count` versions, each a sparse change of the one before; counts what is fetched. */
export async function publisher(count: number, { layout, stride = 97, chunkBytes = 256 }: PublisherOptions) {
  const versions: { halves: Uint16Array; manifest: ReplicaManifest }[] = [];
  const blobs = new Map<string, Uint8Array>();
  const put = (bytes: Uint8Array) => {
    const hash = sha256Hex(bytes);
    blobs.set(hash, bytes);
    return { hash, sizeBytes: bytes.length };
  };
  const master = normalVector('master', layout.size);
  for (let version = 0; version < count; version++) {
    if (version > 0) for (let i = version; i < layout.size; i += stride) master[i]! += 0.5;
    const halves = publishHalves(master);
    const root = stateRoot(halves, layout);
    const { index, parts } = cutSnapshot(littleEndianBytes(halves), chunkBytes);
    parts.forEach(put);
    const parent = versions.at(-1);
    const parentRoot = parent ? (parent.manifest.stateRoot as HashHex) : null;
    const setDelta =
      parent && parentRoot
        ? put(
            await encodeSetDelta(
              { fromVersion: version - 1, toVersion: version, fromRoot: parentRoot, toRoot: root },
              { from: parent.halves, to: halves, layout },
            ),
          )
        : null;
    const manifest = {
      version,
      stateRoot: root,
      parentStateRoot: parentRoot,
      setDelta,
      snapshot: { ...index, chunks: [...index.chunks] },
    };
    versions.push({ halves, manifest: manifest as ReplicaManifest });
  }
  const fetched: string[] = [];
  const source = (latest: number, change: Partial<ReplicaSource> = {}): ReplicaSource => ({
    layout,
    latest: versions[latest]!.manifest,
    manifestOf: async (version) => versions[version]?.manifest,
    fetchBlob: async (hash) => {
      fetched.push(hash);
      return blobs.get(hash)!;
    },
    ...change,
  });
  const replicaAt = (version: number): ModelReplica => {
    const { halves, manifest } = versions[version]!;
    return { version, stateRoot: manifest.stateRoot as HashHex, halves: halves.slice() };
  };
  return { versions, blobs, fetched, source, replicaAt };
}
