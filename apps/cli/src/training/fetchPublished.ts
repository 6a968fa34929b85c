/**
 * @file The latest published weights of a network, over the same HTTP a miner uses: registered with a key made for this
 * and thrown away, the version's signature and the state root checked. Changes nothing on the server but its list of
 * visitors.
 */
import { randomBytes } from 'node:crypto';
import { totalmem } from 'node:os';
import { checkConfig, type ModelConfig, modelLayout } from '@alice/model';
import { type HashHex, initCrypto, keyPairFromSeed, ServerClient, verifyVersion } from '@alice/protocol';
import { parametersOf, syncReplica } from '@alice/training';
import { LocalRunError } from './localRunError.js';

export interface PublishedModel {
  readonly config: ModelConfig;
  readonly tokenizerId: string;
  readonly parameters: Float32Array;
  readonly version: number;
  readonly stateRoot: HashHex;
}

const ATTEMPTS = 4;

/** Throws `VERSION_SIGNATURE_INVALID`, `REPLICA_*`, and what the client throws. Cost: one download of the model. */
export async function fetchPublished(url: string, signal: AbortSignal): Promise<PublishedModel> {
  await initCrypto();
  const client = new ServerClient({
    ...{ url, signal, attempts: ATTEMPTS },
    member: {
      key: keyPairFromSeed(new Uint8Array(randomBytes(32))),
      instance: 'export',
      role: 'miner',
      device: {
        ...{ kind: 'cpu', name: 'reads the model only', threads: 1, memoryBytes: totalmem() },
        software: `alice export ${process.version}`,
      },
    },
  });
  const { networkId, serverId, model, tokenizer } = await client.network();
  const latest = await client.latestVersion();
  if (!verifyVersion(latest, networkId, serverId))
    throw new LocalRunError(
      { code: 'VERSION_SIGNATURE_INVALID', version: latest.version },
      `version ${latest.version} is not signed by the parameter server ${serverId}: check the server's address`,
    );
  const config = checkConfig(model);
  const replica = await syncReplica(undefined, {
    ...{ layout: modelLayout(config), latest },
    manifestOf: async () => undefined,
    fetchBlob: (hash) => client.blob(hash, { signal }),
  });
  const { version, stateRoot } = replica;
  return { config, tokenizerId: tokenizer, parameters: parametersOf(replica), version, stateRoot };
}
