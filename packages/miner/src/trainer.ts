/**
 * @file The line between the thread that talks to the server and the thread that computes: what the first may ask
 * (`Trainer`) and what the second needs from it (`TrainerSource`). Types only; everything here crosses a message port.
 */
import type { ModelMessage, Task, VersionManifest } from '@alice/protocol';
import type { BlobPart } from '@alice/training';
import type { SyncWay } from './events.js';

export interface OpenTrainer {
  /** Folder of all state; locked by the caller. */
  readonly dir: string;
  readonly address: string;
  readonly instance: string;
  readonly threads: number;
  readonly networkId: string;
  readonly serverId: string;
  readonly model: ModelMessage;
  /** Keep the weights in a file and train layer by layer: the model is larger than memory. */
  readonly streamed?: boolean;
}

/** Work that was saved for sending and has no final verdict yet. */
export interface UnsettledWork {
  readonly taskId: string;
  readonly round: number;
  readonly sizeBytes: number;
}

export interface OpenedTrainer {
  readonly state: 'fresh' | 'resumed' | 'damaged';
  readonly unsettled: readonly UnsettledWork[];
}

export interface SyncRequest {
  readonly manifest: VersionManifest;
  /** Forget the copy at hand and take the snapshot. */
  readonly fromSnapshot: boolean;
}

export interface Synced {
  readonly version: number;
  readonly stateRoot: string;
  readonly how: SyncWay;
  /** Downloaded or taken from the cache. */
  readonly bytes: number;
}

export interface TrainRequest {
  readonly task: Task;
  /** The shards the task's ranges lie in, by id, whole in length; two bytes a token, little-endian, zeros outside the ranges. */
  readonly shards: ReadonlyMap<number, Uint8Array>;
  /** No inner step starts that is not expected to end within this time. */
  readonly windowMs: number;
}

/** What came of a task. `nothing`: no submission, and why; then nothing was added to the residual either. */
export type Trained =
  | {
      readonly kind: 'work';
      readonly work: UnsettledWork;
      readonly steps: number;
      readonly skippedSteps: number;
      readonly tokens: number;
      readonly lossNats: number;
      /** Rows computed at once; smaller than a step's rows where memory is short (SPEC TRAIN-5). */
      readonly microBatch: number;
      readonly elapsedMs: number;
    }
  | { readonly kind: 'nothing'; readonly code: NothingCode; readonly reason: string };
/** `STOPPED`: asked to; `WINDOW_TOO_SHORT`: no step fits; the others: see the reason. */
export type NothingCode = 'STOPPED' | 'WINDOW_TOO_SHORT' | 'NOT_FINITE' | 'EMPTY_DELTA';

/**
 * What becomes of unsettled work. `applied`: the network has it, it is off the books. `returned`: what was sent goes
 * back into the residual (SPEC WIRE-2). `lost`: off the books without going back, because it would do harm again.
 */
export type Outcome = 'applied' | 'returned' | 'lost';

export interface Trainer {
  open(request: OpenTrainer): Promise<OpenedTrainer>;
  /** Brings the copy of the model to exactly the manifest's version. */
  sync(request: SyncRequest): Promise<Synced>;
  /** Trains, compresses and saves what is to be sent. After this a crash loses nothing. */
  train(request: TrainRequest): Promise<Trained>;
  /** The saved bytes to send. */
  submission(taskId: string): Promise<Uint8Array>;
  settle(request: { readonly taskId: string; readonly outcome: Outcome }): Promise<void>;
  /** Writes what changed since the last task; settling alone is not saved at once. */
  save(): Promise<void>;
  /** Saves and lets go of everything. */
  close(): Promise<void>;
}

/** What the computing thread asks of the other. */
export interface TrainerSource {
  /** `sizeBytes` bounds the answer; `part` is for whoever watches the download. */
  blob(request: {
    readonly hash: string;
    readonly sizeBytes: number;
    readonly part: BlobPart;
  }): Promise<Uint8Array>;
  /** `undefined` when the server has it no longer. */
  version(version: number): Promise<VersionManifest | undefined>;
  /** A model that is trained layer by layer: how far the step is. */
  onLayer?(report: { readonly done: number; readonly total: number }): void;
  onStep(report: {
    readonly step: number;
    readonly steps: number;
    readonly lossNats: number;
    readonly skipped: boolean;
  }): void;
}
