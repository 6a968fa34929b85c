/**
 * @file The weights a scorer scores on, wherever they lie, and the losses of rows on them: as they are, under a submission,
 * and as the next version would have them. Types only.
 */
import type { LossFunction } from '@alice/model';
import type { ModelMessage, ScoringJob, SetDelta, SparseDelta, TensorLayout } from '@alice/protocol';
import type { ReplicaSource } from '@alice/training';

export interface LossShape {
  readonly batch: number;
  readonly sequenceLength: number;
  readonly threads: number;
}

/** What either kind of weights is made of. */
export interface WeightsParts {
  readonly model: ModelMessage;
  readonly layout: TensorLayout;
  readonly networkId: string;
  readonly threads: number;
  lossFunction(model: ModelMessage, shape: LossShape): Promise<LossFunction>;
  /** A blob with the hash asked for. */
  fetchBlob(hash: string, sizeBytes: number): Promise<Uint8Array>;
}

export type SnapshotRef = NonNullable<ScoringJob['snapshot']>;

export interface ScoredWeights {
  holds(version: number, stateRoot: string): boolean;
  /** Brings them to `source.latest`. Throws `REPLICA_…`; what they hold then is found out anew. */
  sync(source: ReplicaSource): Promise<void>;
  /** To be called before losses of rows of another length. */
  prepare(sequenceLength: number): Promise<void>;
  /** Of each row, nats. */
  losses(rows: Uint16Array): Promise<Float64Array>;
  /** The same with a part of a submission added. Throws `DELTA_INVALID`. */
  lossesWith(
    delta: SparseDelta,
    score: { readonly stepFraction: number; readonly rows: Uint16Array; readonly before: Float64Array },
  ): Promise<Float64Array>;
  /** Of the version that a set-delta on this one makes. */
  lossesOfNext(delta: SetDelta, rows: Uint16Array): Promise<Float64Array>;
  /** Of a version that comes whole; its root is the one its weights have. */
  lossesOfSnapshot(
    snapshot: SnapshotRef,
    rows: Uint16Array,
  ): Promise<{ readonly losses: Float64Array; readonly root: string }>;
  close(): Promise<void>;
}
