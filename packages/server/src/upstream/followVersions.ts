/**
 * @file The upstream's model in a region's hands: each version is fetched by its signed manifest, stored as the same snapshot
 * under the same state root (takeVersion.ts), and offered to the region's miners under the region's own signature. Here is only
 * fetched, a blob at a time; a blob that came before a crash is not fetched again.
 */
import { errorCodeOf, type HashHex, refusalOf, type VersionManifest, verifyVersion } from '@alice/protocol';
import { deltaChain, isHealedBySnapshot, type ReplicaManifest, snapshotOf } from '@alice/training';
import { type BlobRef, type BlobStore, contentHash } from '../blobs/BlobStore.js';
import type { ServerContext } from '../context.js';
import { ServerError } from '../errors.js';
import { versionRow } from '../rounds/publishVersion.js';
import { findVersion, insertVersion, latestVersion } from '../state/versions.js';
import type { TakenVersion, TakeRequest } from './takeVersion.js';
import type { UpstreamLink } from './UpstreamLink.js';

export interface VersionFollower {
  /** Makes the manifest's version this region's too. Throws `UPSTREAM_SIGNATURE_INVALID`, `UPSTREAM_BLOB_INVALID`, `REPLICA_…`. */
  follow(manifest: VersionManifest): Promise<void>;
}

type StoredVersion = TakenVersion & { readonly setDelta: BlobRef | null };

export function createVersionFollower(
  context: ServerContext,
  { client, upstreamId }: UpstreamLink,
): VersionFollower {
  const { db, blobs, compute, networkId, log } = context;

  const checked = (manifest: VersionManifest): VersionManifest => {
    if (verifyVersion(manifest, networkId, upstreamId)) return manifest;
    throw new ServerError(
      { code: 'UPSTREAM_SIGNATURE_INVALID', version: manifest.version },
      `version ${manifest.version} is not signed by the upstream ${upstreamId}: it is not passed on`,
    );
  };
  const manifestOf = async (version: number): Promise<VersionManifest | undefined> => {
    try {
      return checked(await client.version(version));
    } catch (error) {
      if (refusalOf(error) === 'NOT_FOUND') return undefined;
      throw error;
    }
  };
  const fetchBlob = async (hash: string): Promise<BlobRef> => {
    const stored = await storedBlob(blobs, hash);
    if (stored) return stored;
    const bytes = await client.blob(hash);
    const actual = contentHash(bytes);
    if (actual === hash) return blobs.put(bytes);
    throw new ServerError(
      { code: 'UPSTREAM_BLOB_INVALID', hash, actual },
      `the upstream gave other bytes than the blob ${hash}: it is asked again`,
    );
  };
  const throughChain = async (latest: ReplicaManifest): Promise<StoredVersion | undefined> => {
    const chain = await chainTo(context, latest, manifestOf);
    if (!chain) return undefined;
    let setDelta: BlobRef | null = null;
    for (const manifest of chain.manifests) setDelta = await fetchBlob(manifest.setDelta!.hash);
    try {
      return { ...(await compute.takeVersion({ latest, chain })), setDelta };
    } catch (error) {
      // A damaged set-delta, or a master damaged on this disk: the snapshot heals both, if it is still kept.
      if (!isDamage(error) || !latest.snapshot) throw error;
      log.warn('A version is fetched whole', { version: latest.version, reason: errorCodeOf(error) });
      return undefined;
    }
  };
  const throughSnapshot = async (latest: ReplicaManifest): Promise<StoredVersion> => {
    for (const { hash } of snapshotOf(latest).chunks) await fetchBlob(hash);
    const taken = await compute.takeVersion({ latest, chain: null });
    return { ...taken, setDelta: latest.setDelta && (await fetchBlob(latest.setDelta.hash)) };
  };
  return {
    async follow(manifest) {
      if (await findVersion(db, manifest.version)) return;
      const latest = checked(manifest);
      const stored = (await throughChain(latest)) ?? (await throughSnapshot(latest));
      await insertStored(context, latest, stored);
      log.info('Version taken over', { version: latest.version, lossNats: latest.heldOutLossNats });
      context.changed();
    },
  };
}

/** Of one that came before a crash. A damaged one is removed, or it would never be written anew. */
async function storedBlob(blobs: BlobStore, hash: string): Promise<BlobRef | undefined> {
  if (!(await blobs.has(hash))) return undefined;
  try {
    return { hash: hash as HashHex, sizeBytes: (await blobs.get(hash)).length };
  } catch (error) {
    if (errorCodeOf(error) !== 'BLOB_CORRUPT') throw error;
    await blobs.delete(hash);
    return undefined;
  }
}

/** The set-deltas from this region's latest version to one of the upstream's; undefined when a snapshot serves better. */
async function chainTo(
  { db, layout }: ServerContext,
  latest: ReplicaManifest,
  manifestOf: (version: number) => Promise<VersionManifest | undefined>,
): Promise<TakeRequest['chain'] | undefined> {
  const base = await latestVersion(db);
  if (!base?.master) return undefined;
  const { version, state_root: stateRoot, master } = base;
  const fetchBlob = (): never => {
    throw new Error('cannot happen: a chain is found by manifests alone');
  };
  const manifests = await deltaChain({ version, stateRoot }, { layout, latest, manifestOf, fetchBlob });
  return manifests && { master: master.hash, manifests };
}

function isDamage(error: unknown): boolean {
  return isHealedBySnapshot(error) || /^BLOB_/.test(errorCodeOf(error) ?? '');
}

async function insertStored(
  context: ServerContext,
  manifest: VersionManifest,
  stored: StoredVersion,
): Promise<void> {
  const row = versionRow(
    context,
    { ...stored, changedElements: 0 },
    {
      version: manifest.version,
      parent_state_root: manifest.parentStateRoot as HashHex | null,
      created_ms: manifest.createdAtMs,
      loss_nats: manifest.heldOutLossNats,
      loss_error_nats: manifest.standardErrorNats,
      trained_tokens: manifest.trainedTokens,
      uplink_bytes: manifest.uplinkBytes,
      accepted: manifest.acceptedSubmissions,
    },
  );
  await insertVersion(context.db, row);
}
