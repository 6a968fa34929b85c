/**
 * @file The upstream's model in a region's hands: each version is fetched by its signed manifest, checked against its state
 * root, cut into the same snapshot, and offered to the region's miners under the region's own signature.
 */
import {
  bytesOf,
  cutSnapshot,
  fromHalves,
  type HashHex,
  halvesOfBytes,
  littleEndianBytes,
  refusalOf,
  type VersionManifest,
  verifyVersion,
} from '@alice/protocol';
import { type ModelReplica, syncReplica } from '@alice/training';
import type { BlobRef } from '../blobs/BlobStore.js';
import type { ServerContext } from '../context.js';
import { ServerError } from '../errors.js';
import { versionRow } from '../rounds/publishVersion.js';
import { findVersion, insertVersion, latestVersion, type Snapshot } from '../state/versions.js';
import type { UpstreamLink } from './UpstreamLink.js';

export interface VersionFollower {
  /** Makes the manifest's version this region's too. Throws `UPSTREAM_SIGNATURE_INVALID`, `REPLICA_…`. */
  follow(manifest: VersionManifest): Promise<void>;
}

export function createVersionFollower(
  context: ServerContext,
  { client, upstreamId }: UpstreamLink,
): VersionFollower {
  const { db, blobs, layout, networkId, log } = context;
  let replica: ModelReplica | undefined;

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
  return {
    async follow(manifest) {
      if (await findVersion(db, manifest.version)) return;
      replica ??= await storedReplica(context);
      const fetchBlob = (hash: HashHex) => client.blob(hash);
      replica = await syncReplica(replica, { layout, latest: checked(manifest), manifestOf, fetchBlob });
      await storeVersion(context, manifest, {
        halves: replica.halves,
        setDelta: manifest.setDelta && (await blobs.put(await client.blob(manifest.setDelta.hash))),
      });
      log.info('Version taken over', { version: manifest.version, lossNats: manifest.heldOutLossNats });
      context.changed();
    },
  };
}

/** What an earlier run had fetched, if its snapshot is still here. */
async function storedReplica({ db, blobs }: ServerContext): Promise<ModelReplica | undefined> {
  const latest = await latestVersion(db);
  if (!latest?.snapshot) return undefined;
  const chunks = await Promise.all(latest.snapshot.chunks.map(({ hash }) => blobs.get(hash)));
  const { version, state_root: stateRoot } = latest;
  return { version, stateRoot, halves: halvesOfBytes(Buffer.concat(chunks)) };
}

async function storeVersion(
  context: ServerContext,
  manifest: VersionManifest,
  { halves, setDelta }: { halves: Uint16Array; setDelta: BlobRef | null },
): Promise<void> {
  const { index, parts } = cutSnapshot(littleEndianBytes(halves));
  for (const part of parts) await context.blobs.put(part);
  const master = await context.blobs.put(bytesOf(fromHalves(halves)));
  const candidate = {
    ...{ stateRoot: manifest.stateRoot as HashHex, master, setDelta },
    ...{ snapshot: index as Snapshot, changedElements: 0 },
  };
  const row = versionRow(context, candidate, {
    version: manifest.version,
    parent_state_root: manifest.parentStateRoot as HashHex | null,
    created_ms: manifest.createdAtMs,
    loss_nats: manifest.heldOutLossNats,
    loss_error_nats: manifest.standardErrorNats,
    trained_tokens: manifest.trainedTokens,
    uplink_bytes: manifest.uplinkBytes,
    accepted: manifest.acceptedSubmissions,
  });
  await insertVersion(context.db, row);
}
