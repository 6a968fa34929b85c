/** @file The latest published weights of a network that is stopped, from its folder, checked as a miner would check them. */
import { existsSync, readFileSync } from 'node:fs';
import { modelLayout, resolveModel } from '@alice/model';
import { hashJson, initCrypto, verifyVersion } from '@alice/protocol';
import { withPublished } from '@alice/server';
import { parametersOf, syncReplica } from '@alice/training';
import { type NetworkPlan, networkPaths } from '../up/networkPlan.js';
import { LocalRunError } from './localRunError.js';
import type { PublishedModel } from './PublishedModelReader.js';

/**
 * `undefined` where the folder holds no network, or none that has published. Throws `VERSION_SIGNATURE_INVALID`,
 * `REPLICA_*`, `BLOB_*`, and `SERVER_DIR_LOCKED` while a server works there.
 */
export async function readStopped(dir: string): Promise<PublishedModel | undefined> {
  const paths = networkPaths(dir);
  if (!existsSync(paths.plan)) return undefined;
  await initCrypto();
  const { preset } = JSON.parse(readFileSync(paths.plan, 'utf8')) as NetworkPlan;
  const config = resolveModel(preset);
  return await withPublished(paths.server, async (publication) => {
    const { networkId, serverId, tokenizerId, modelHash, latest, blob } = publication;
    const isAuthentic = hashJson(config) === modelHash && verifyVersion(latest, networkId, serverId);
    if (!isAuthentic)
      throw new LocalRunError(
        { code: 'VERSION_SIGNATURE_INVALID', version: latest.version },
        `version ${latest.version} in ${paths.server} is not one that server ${serverId} signed for the model "${preset}"`,
      );
    const replica = await syncReplica(undefined, {
      ...{ layout: modelLayout(config), latest },
      manifestOf: async () => undefined,
      fetchBlob: blob,
    });
    return {
      ...{ config, tokenizerId, parameters: parametersOf(replica), createdAtMs: latest.createdAtMs },
      ...{ version: replica.version, stateRoot: replica.stateRoot },
    };
  });
}
