/**
 * @file Follows the published weights of a network over the same HTTP a miner uses: the version's signature and the state
 * root are checked, later versions come as deltas. It registers as a reader, with a key of its own, and changes nothing
 * else on the server.
 */
import { totalmem } from 'node:os';
import { checkConfig, type ModelConfig, modelLayout } from '@alice/model';
import {
  type HashHex,
  initCrypto,
  type KeyPair,
  type Network,
  ServerClient,
  type VersionManifest,
  verifyVersion,
} from '@alice/protocol';
import { type ModelReplica, parametersOf, syncReplica } from '@alice/training';
import { LocalRunError } from './localRunError.js';

export interface PublishedModel {
  readonly config: ModelConfig;
  readonly tokenizerId: string;
  readonly parameters: Float32Array;
  readonly version: number;
  readonly stateRoot: HashHex;
  readonly createdAtMs: number;
}

export interface ReaderOptions {
  readonly url: string;
  readonly key: KeyPair;
  /** Name of this reader among those of the key. */
  readonly instance: string;
  readonly signal?: AbortSignal | undefined;
  /** Bytes fetched of the version under way, and how many it takes in all. */
  readonly onBytes?: BytesListener | undefined;
}

export type BytesListener = (done: number, total: number) => void;

/** The status page leaves out members whose device has this name. */
const DEVICE_NAME = 'reads the model only';
const ATTEMPTS = 4;

export class PublishedModelReader {
  readonly #client: ServerClient;
  readonly #signal: AbortSignal | undefined;
  readonly #onBytes: BytesListener | undefined;
  #network: Network | undefined;
  #replica: ModelReplica | undefined;

  constructor({ url, key, instance, signal, onBytes }: ReaderOptions) {
    this.#signal = signal;
    this.#onBytes = onBytes;
    this.#client = new ServerClient({
      ...{ url, attempts: ATTEMPTS, ...(signal && { signal }) },
      member: {
        ...{ key, instance, role: 'miner' },
        device: {
          ...{ kind: 'cpu', name: DEVICE_NAME, threads: 1, memoryBytes: totalmem() },
          software: `alice ${instance} ${process.version}`,
        },
      },
    });
  }

  /**
   * The latest version; `undefined` when it is the one this reader gave last. Throws `VERSION_SIGNATURE_INVALID`,
   * `REPLICA_*`, and what the client throws. Cost: the model the first time, later the changes, and one hash over all.
   */
  async latest(): Promise<PublishedModel | undefined> {
    await initCrypto();
    this.#network ??= await this.#client.network();
    const network = this.#network;
    const latest = await this.#client.latestVersion();
    if (latest.version === this.#replica?.version && latest.stateRoot === this.#replica.stateRoot)
      return undefined;
    this.#check(latest, network);
    const config = checkConfig(network.model);
    this.#replica = await syncReplica(this.#replica, {
      ...{ layout: modelLayout(config), latest },
      manifestOf: (version) => this.#manifestOf(version, network),
      fetchBlob: (hash, { beforeBytes, totalBytes }) => {
        const onReceived = (bytes: number): void => this.#onBytes?.(beforeBytes + bytes, totalBytes);
        return this.#client.blob(hash, { signal: this.#signal, onReceived });
      },
    });
    const { version, stateRoot } = this.#replica;
    return {
      ...{ config, tokenizerId: network.tokenizer, parameters: parametersOf(this.#replica) },
      ...{ version, stateRoot, createdAtMs: latest.createdAtMs },
    };
  }

  async #manifestOf(version: number, network: Network): Promise<VersionManifest | undefined> {
    const manifest = await this.#client.version(version).catch(() => undefined);
    if (manifest) this.#check(manifest, network);
    return manifest;
  }

  #check(manifest: VersionManifest, { networkId, serverId }: Network): void {
    if (verifyVersion(manifest, networkId, serverId)) return;
    const { version } = manifest;
    throw new LocalRunError(
      { code: 'VERSION_SIGNATURE_INVALID', version },
      `version ${version} is not signed by the parameter server ${serverId}: check the server's address`,
    );
  }
}
