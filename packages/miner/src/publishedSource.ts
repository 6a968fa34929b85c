/**
 * @file What a copy of the model is brought up to date from: manifests whose signature was checked before their numbers are
 * used (SPEC WIRE-3), and blobs, counted as they come.
 */
import { type TensorLayout, type VersionManifest, verifyVersion } from '@alice/protocol';
import type { ReplicaSource } from '@alice/training';
import { MinerError } from './errors.js';
import type { SyncWay } from './events.js';
import type { TrainerSource } from './trainer.js';

export interface PublisherOptions {
  readonly layout: TensorLayout;
  readonly networkId: string;
  readonly serverId: string;
  readonly source: Pick<TrainerSource, 'blob' | 'version'>;
}

export interface PublishedSource {
  readonly source: ReplicaSource;
  /** What was fetched so far. */
  fetched(): { readonly how: SyncWay; readonly bytes: number };
}

/** Throws `VERSION_SIGNATURE_INVALID`; the source's calls do so too. */
export function publishedSource(options: PublisherOptions, manifest: VersionManifest): PublishedSource {
  const { layout, source } = options;
  checkSignature(options, manifest);
  const hashes: string[] = [];
  let bytes = 0;
  return {
    source: {
      layout,
      latest: manifest,
      async manifestOf(version) {
        const older = await source.version(version);
        if (older !== undefined) checkSignature(options, older);
        return older;
      },
      async fetchBlob(hash, part) {
        hashes.push(hash);
        const blob = await source.blob({ hash, sizeBytes: largestBlob(layout, manifest), part });
        bytes += blob.length;
        return blob;
      },
    },
    fetched: () => ({ how: wayOf(manifest, hashes), bytes }),
  };
}

/** No set-delta can be larger than all elements with an index each, plus its frame; a chunk says its size itself. */
function largestBlob({ size }: TensorLayout, { snapshot }: VersionManifest): number {
  return Math.max(snapshot?.chunkBytes ?? 0, 5 * size + 65_536);
}

function checkSignature({ networkId, serverId }: PublisherOptions, manifest: VersionManifest): void {
  if (verifyVersion(manifest, networkId, serverId)) return;
  const { version } = manifest;
  throw new MinerError(
    { code: 'VERSION_SIGNATURE_INVALID', version },
    `version ${version} is not signed by the parameter server ${serverId}: do not train on it; check the server's address`,
  );
}

function wayOf({ snapshot }: VersionManifest, fetched: readonly string[]): SyncWay {
  if (fetched.length === 0) return 'none';
  return snapshot?.chunks.some(({ hash }) => fetched.includes(hash)) ? 'snapshot' : 'deltas';
}
