/**
 * @file Weights to score on in a file, for models larger than memory: blocks are read, used and forgotten. The file is there
 * at the next start, brought up to date by what has changed since. The processor only.
 */
import { join } from 'node:path';
import { createStreamedModel, type StreamedModel, type WeightSource } from '@alice/model';
import type { SetDelta, SparseDelta } from '@alice/protocol';
import { changedWeights, type ReplicaSource } from '@alice/training';
import { PagedReplica } from '@alice/training/node';
import type { ScoredWeights, SnapshotRef, WeightsParts } from './scoredWeights.js';

/** Tokens of one run of a block; all rows share one reading of the weights. */
const TOKENS_AT_ONCE = 512;

export class WeightsOnDisk implements ScoredWeights {
  readonly #dir: string;
  readonly #parts: WeightsParts;
  readonly #replica: PagedReplica;
  #sequenceLength = 1;

  static async open(dir: string, parts: WeightsParts): Promise<WeightsOnDisk> {
    const { layout, networkId } = parts;
    return new WeightsOnDisk(
      dir,
      parts,
      await PagedReplica.open({ dir: join(dir, 'weights'), layout, networkId }),
    );
  }

  private constructor(dir: string, parts: WeightsParts, replica: PagedReplica) {
    this.#dir = dir;
    this.#parts = parts;
    this.#replica = replica;
  }

  holds(version: number, stateRoot: string): boolean {
    const { holds } = this.#replica;
    return holds?.version === version && holds.stateRoot === stateRoot;
  }

  sync(source: ReplicaSource): Promise<void> {
    return this.#replica.sync(source);
  }

  async prepare(sequenceLength: number): Promise<void> {
    this.#sequenceLength = sequenceLength;
  }

  async losses(rows: Uint16Array): Promise<Float64Array> {
    const [losses] = await this.#modelOn(await this.#replica.weights()).losses(rows);
    return losses!;
  }

  async lossesWith(
    delta: SparseDelta,
    { stepFraction, rows }: Parameters<ScoredWeights['lossesWith']>[1],
  ): Promise<Float64Array> {
    const model = this.#modelOn(await this.#replica.weights());
    const [losses] = await model.losses(rows, [{ delta, scale: stepFraction }]);
    return losses!;
  }

  async lossesOfNext(delta: SetDelta, rows: Uint16Array): Promise<Float64Array> {
    const [losses] = await this.#modelOn(changedWeights(await this.#replica.weights(), delta)).losses(rows);
    return losses!;
  }

  /** Written beside the published version while it is scored. */
  async lossesOfSnapshot(
    snapshot: SnapshotRef,
    rows: Uint16Array,
  ): Promise<{ losses: Float64Array; root: string }> {
    const { layout, networkId, fetchBlob } = this.#parts;
    const candidate = await PagedReplica.open({ dir: join(this.#dir, 'candidate'), layout, networkId });
    try {
      const sizes = new Map(snapshot.chunks.map(({ hash, sizeBytes }) => [hash, sizeBytes]));
      const root = await candidate.take(snapshot, (hash) => fetchBlob(hash, sizes.get(hash)!));
      const [losses] = await this.#modelOn(await candidate.weights()).losses(rows);
      return { losses: losses!, root };
    } finally {
      await candidate.remove();
    }
  }

  async close(): Promise<void> {
    await this.#replica.close();
  }

  #modelOn(source: WeightSource): StreamedModel {
    const { model, threads } = this.#parts;
    const sequenceLength = this.#sequenceLength;
    const batch = Math.max(1, Math.floor(TOKENS_AT_ONCE / sequenceLength));
    return createStreamedModel(model, { batch, sequenceLength, threads, source });
  }
}
