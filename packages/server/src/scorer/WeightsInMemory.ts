/** @file Weights to score on in memory: halves as they are published, FP32 to compute with. */
import { createHash } from 'node:crypto';
import type { LossFunction } from '@alice/model';
import {
  applySetDelta,
  fromHalves,
  halvesOfBytes,
  type SetDelta,
  SnapshotAssembly,
  type SparseDelta,
  stateRoot,
} from '@alice/protocol';
import {
  flattenDelta,
  type ModelReplica,
  pairedScore,
  parametersOf,
  type ReplicaSource,
  syncReplica,
} from '@alice/training';
import type { ScoredWeights, SnapshotRef, WeightsParts } from './scoredWeights.js';

/** Rows evaluated together; more do not run faster on a CPU. */
const ROWS_AT_ONCE = 8;

export class WeightsInMemory implements ScoredWeights {
  readonly #parts: WeightsParts;
  #replica: ModelReplica | undefined;
  #parameters: Float32Array = new Float32Array();
  #losses: { readonly sequenceLength: number; readonly run: LossFunction } | undefined;

  constructor(parts: WeightsParts) {
    this.#parts = parts;
  }

  holds(version: number, stateRoot: string): boolean {
    return this.#replica?.stateRoot === stateRoot && this.#replica.version === version;
  }

  async sync(source: ReplicaSource): Promise<void> {
    const before = this.#replica;
    this.#replica = undefined; // if this fails, the next try starts from the snapshot
    const replica = await syncReplica(before, source);
    this.#parameters = parametersOf(replica);
    this.#replica = replica;
  }

  async prepare(sequenceLength: number): Promise<void> {
    if (this.#losses?.sequenceLength === sequenceLength) return;
    await this.close();
    const { model, threads, lossFunction } = this.#parts;
    const run = await lossFunction(model, { batch: ROWS_AT_ONCE, sequenceLength, threads });
    this.#losses = { sequenceLength, run };
  }

  async losses(rows: Uint16Array): Promise<Float64Array> {
    return await this.#losses!.run.run(this.#parameters, rows);
  }

  async lossesWith(
    delta: SparseDelta,
    { stepFraction, rows, before }: Parameters<ScoredWeights['lossesWith']>[1],
  ): Promise<Float64Array> {
    const { after } = await pairedScore({
      lossFunction: this.#losses!.run,
      parameters: this.#parameters,
      delta: flattenDelta(delta, this.#parts.layout),
      ...{ stepFraction, rows, lossesBefore: before },
    });
    return after;
  }

  async lossesOfNext(delta: SetDelta, rows: Uint16Array): Promise<Float64Array> {
    const halves = this.#replica!.halves.slice();
    applySetDelta(halves, delta);
    return await this.#losses!.run.run(fromHalves(halves), rows);
  }

  async lossesOfSnapshot(
    snapshot: SnapshotRef,
    rows: Uint16Array,
  ): Promise<{ losses: Float64Array; root: string }> {
    const { layout, fetchBlob } = this.#parts;
    const assembly = new SnapshotAssembly(snapshot, 2 * layout.size);
    for (const [chunk, { hash, sizeBytes }] of snapshot.chunks.entries())
      assembly.add(chunk, await fetchBlob(hash, sizeBytes));
    const halves = halvesOfBytes(assembly.finish());
    const losses = await this.#losses!.run.run(fromHalves(halves), rows);
    return { losses, root: stateRoot(halves, layout, nativeSha256) };
  }

  /** The weights stay. */
  async close(): Promise<void> {
    const losses = this.#losses;
    this.#losses = undefined;
    await losses?.run.dispose();
  }
}

/** The same digests as the portable one, an order faster. */
const nativeSha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();
