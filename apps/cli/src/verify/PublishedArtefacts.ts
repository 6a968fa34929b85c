/**
 * @file What verification downloads: signed manifests, weights of any version still reachable, submissions, masters. Weights
 * come from the snapshot while it is kept; else from version 0, which anyone can make from the network's seed, and the
 * set-deltas since. Every root is checked against the server's signature.
 */
import { randomBytes } from 'node:crypto';
import { totalmem } from 'node:os';
import { checkConfig, initParameters, type ModelConfig, modelLayout } from '@alice/model';
import {
  type Device,
  fromHalves,
  type HashHex,
  initCrypto,
  keyPairFromSeed,
  type Network,
  type ReceiptProof,
  ServerClient,
  type SignedReceipt,
  stateRoot,
  type TensorLayout,
  toHalves,
  type VersionFold,
  type VersionManifest,
  verifyVersion,
} from '@alice/protocol';
import { type ModelReplica, parametersOf, syncReplica, type WeightReader } from '@alice/training';
import { type Progress, withProgress } from '../progressBar.js';
import { LocalRunError } from '../training/localRunError.js';

const ATTEMPTS = 4;

export class PublishedArtefacts {
  readonly config: ModelConfig;
  readonly layout: TensorLayout;
  readonly network: Network;
  readonly #client: ServerClient;
  readonly #quiet: boolean;
  #replica: ModelReplica | undefined;

  /** Reads with a key made for this and thrown away. Throws what the client throws. */
  static async open(
    url: string,
    { signal, quiet }: { signal: AbortSignal; quiet: boolean },
  ): Promise<PublishedArtefacts> {
    await initCrypto();
    const key = keyPairFromSeed(new Uint8Array(randomBytes(32)));
    const device: Device = {
      kind: 'cpu',
      name: 'reads the model only',
      threads: 1,
      memoryBytes: totalmem(),
      software: `alice verify ${process.version}`,
    };
    const member = { key, instance: 'verify', role: 'miner', device } as const;
    const client = new ServerClient({ url, attempts: ATTEMPTS, signal, member });
    return new PublishedArtefacts(client, { network: await client.network(), quiet });
  }

  private constructor(client: ServerClient, { network, quiet }: { network: Network; quiet: boolean }) {
    this.#client = client;
    this.#quiet = quiet;
    this.network = network;
    this.config = checkConfig(network.model);
    this.layout = modelLayout(this.config);
  }

  receipt(submissionId: string): Promise<SignedReceipt> {
    return this.#client.call('receipt', { params: { submissionId } });
  }
  blob(submissionId: string): Promise<Uint8Array> {
    return this.#client.call('receiptBlob', { params: { submissionId } });
  }
  /** The epoch that pays a submission of this address; undefined while none does, and long after. */
  async epochOf(address: string, submissionId: string): Promise<number | undefined> {
    const { receipts } = await this.#client.call('receipts', { params: { address } });
    return receipts.find((entry) => entry.submissionId === submissionId)?.epoch ?? undefined;
  }
  receiptProof(epoch: number, submissionId: string): Promise<ReceiptProof> {
    return this.#client.call('receiptProof', { params: { epoch, submissionId } });
  }
  /** All receipts that an epoch has paid, in order of arrival. */
  async epochReceipts(epoch: number): Promise<SignedReceipt[]> {
    const receipts: SignedReceipt[] = [];
    return withProgress('downloading receipts', { unit: 'pages', quiet: this.#quiet }, async (update) => {
      for (let page = 0, pages = 1; page < pages; page++) {
        const answer = await this.#client.call('epochReceipts', { params: { epoch, page } });
        receipts.push(...answer.receipts);
        pages = answer.pages;
        update(page + 1, pages);
      }
      return receipts;
    });
  }
  fold(version: number): Promise<VersionFold> {
    return this.#client.call('fold', { params: { version } });
  }

  /** Throws `VERSION_SIGNATURE_INVALID`. */
  async manifest(version: number): Promise<VersionManifest> {
    const manifest = await this.#client.version(version);
    const { networkId, serverId } = this.network;
    if (verifyVersion(manifest, networkId, serverId)) return manifest;
    throw new LocalRunError(
      { code: 'VERSION_SIGNATURE_INVALID', version },
      `version ${version} is not signed by the parameter server ${serverId}: check the server's address`,
    );
  }

  /** FP32 master of a version by ranges, never whole in memory; the server keeps a few. Throws what the client throws. */
  async master(version: number): Promise<WeightReader> {
    const first = version === 0 ? await this.#first() : undefined;
    // Version 0 is FP16 itself.
    if (first) return async (offset, size) => fromHalves(first.halves.subarray(offset, offset + size));
    return async (offset, size) => {
      const range = { from: 4 * offset, to: 4 * (offset + size) };
      const bytes = await this.#client.call('master', {
        params: { version },
        ...{ range, maxAnswerBytes: 4 * size },
      });
      return new Float32Array(bytes.slice().buffer);
    };
  }

  /** Published weights. Throws `REPLICA_*` when neither snapshot nor set-deltas lead there any more. */
  async weights(version: number): Promise<Float32Array> {
    const latest = await this.manifest(version);
    const before = this.#replica && this.#replica.version <= version ? this.#replica : await this.#first();
    this.#replica = await this.#downloading((update) =>
      syncReplica(before, {
        ...{ layout: this.layout, latest },
        manifestOf: (older) => this.manifest(older),
        fetchBlob: (hash, { beforeBytes, totalBytes }) =>
          this.#client.blob(hash, { onReceived: (done) => update(beforeBytes + done, totalBytes) }),
      }),
    );
    return parametersOf(this.#replica);
  }

  #downloading<T>(work: (update: Progress['update']) => Promise<T>): Promise<T> {
    return withProgress('downloading weights', { unit: 'MB', scale: 1e-6, quiet: this.#quiet }, work);
  }

  async #first(): Promise<ModelReplica | undefined> {
    const { seed } = this.network;
    if (seed === undefined) return undefined;
    const halves = toHalves(initParameters(this.config, seed), { saturate: true });
    const root = stateRoot(halves, this.layout) as HashHex;
    return root === (await this.manifest(0)).stateRoot ? { version: 0, stateRoot: root, halves } : undefined;
  }
}
