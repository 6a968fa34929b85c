/**
 * @file The miner's copy of the published weights, in memory and kept between runs. Every manifest's signature is checked before
 * its numbers are used, every result against the state root (SPEC WIRE-3, AGG-4). What is kept may lag behind; the deltas
 * since are fetched again.
 */
import { bytesOf, type HashHex } from '@alice/protocol';
import { type ModelReplica, parametersOf, syncReplica } from '@alice/training';
import { MinerError } from './errors.js';
import { type PublisherOptions, publishedSource } from './publishedSource.js';
import type { States } from './states.js';
import type { Synced, SyncRequest } from './trainer.js';

export interface ModelCopyOptions extends PublisherOptions {
  readonly states: States;
  readonly nowMs: () => number;
}

interface ReplicaFacts {
  readonly networkId: string;
  readonly version: number;
  readonly stateRoot: HashHex;
}

const NAME = 'model';
const HALVES = 'halves';
/** A new version comes every few seconds on small networks; writing all weights each time would wear the disk. */
const SAVE_EVERY_MS = 60_000;

export class ModelCopy {
  readonly #options: ModelCopyOptions;
  #replica: ModelReplica | undefined;
  #savedVersion: number | undefined;
  #savedAtMs = Number.NEGATIVE_INFINITY;

  /** Opens the copy on disk, if there is a sound one of this network. */
  static async open(options: ModelCopyOptions): Promise<ModelCopy> {
    const copy = new ModelCopy(options);
    const loaded = await options.states.load<ReplicaFacts>(NAME);
    if (loaded.found !== 'good' || loaded.facts.networkId !== options.networkId) return copy;
    const bytes = loaded.parts.get(HALVES);
    if (bytes?.length !== 2 * options.layout.size) return copy;
    const { version, stateRoot } = loaded.facts;
    copy.#replica = {
      version,
      stateRoot,
      halves: new Uint16Array(bytes.buffer, bytes.byteOffset, options.layout.size),
    };
    copy.#savedVersion = version;
    return copy;
  }

  private constructor(options: ModelCopyOptions) {
    this.#options = options;
  }

  /** FP32 weights of exactly this version. Throws `SYNC_FIRST`. */
  parameters(version: number, stateRoot: string): Float32Array {
    const replica = this.#replica;
    if (replica === undefined || replica.version !== version || replica.stateRoot !== stateRoot)
      throw new MinerError(
        { code: 'SYNC_FIRST', version },
        `the weights of version ${version} are not here yet: sync first`,
      );
    return parametersOf(replica);
  }

  /** Brings the copy to the manifest's version. Throws `VERSION_SIGNATURE_INVALID`, `REPLICA_ROOT_MISMATCH`, … */
  async sync({ manifest, fromSnapshot }: SyncRequest): Promise<Synced> {
    const { source, fetched } = publishedSource(this.#options, manifest);
    this.#replica = await syncReplica(fromSnapshot ? undefined : this.#replica, source);
    await this.#saveSometimes();
    const { version, stateRoot } = this.#replica;
    return { version, stateRoot, ...fetched() };
  }

  /** Writes the copy if the file is behind. */
  async save(): Promise<void> {
    const replica = this.#replica;
    if (replica === undefined || replica.version === this.#savedVersion) return;
    const { version, stateRoot, halves } = replica;
    const facts: ReplicaFacts = { networkId: this.#options.networkId, version, stateRoot };
    const parts = new Map([[HALVES, bytesOf(halves)]]);
    await this.#options.states.save(NAME, { facts, parts });
    this.#savedVersion = version;
    this.#savedAtMs = this.#options.nowMs();
  }

  async #saveSometimes(): Promise<void> {
    if (this.#options.nowMs() - this.#savedAtMs < SAVE_EVERY_MS) return;
    try {
      await this.save();
    } catch {
      // A full disk: the copy in memory is good, and the next start fetches it again.
    }
  }
}
