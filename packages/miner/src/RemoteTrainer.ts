/**
 * @file The computing half of a miner as seen from the thread that talks to the server: the `Trainer` calls, forwarded to
 * a program of its own. When that dies its open calls fail with `THREAD_ENDED`, and the next `open` starts it anew from
 * what is on disk; on the processor, where it died of another device.
 */
import { ComputeProgram, type DeviceName } from '@alice/engine/node';
import type {
  OpenedTrainer,
  OpenTrainer,
  Outcome,
  Synced,
  SyncRequest,
  Trained,
  Trainer,
  TrainerSource,
  TrainRequest,
} from './trainer.js';
import type { TrainingSettings } from './trainingProgram.js';

export interface RemoteTrainerOptions {
  /** What is computed on; the processor unless given. That it works was found out before. */
  readonly device?: DeviceName;
  /** Of gradients on that device; `fp32` unless given. The processor that steps in computes in `fp32`. */
  readonly precision?: TrainingSettings['precision'];
  readonly onDeviceLost?: (device: DeviceName, reason: string) => void;
  /** The program that computes; tests put another in its place. */
  readonly program?: URL;
}

interface StoppableTrainer extends Trainer {
  stop(request: undefined): Promise<void>;
}

const PROGRAM = new URL('./trainingProgram.js', import.meta.url);

export class RemoteTrainer implements Trainer {
  readonly #program: ComputeProgram<StoppableTrainer, TrainingSettings>;

  constructor(source: TrainerSource, options: RemoteTrainerOptions = {}) {
    const { device = 'cpu', precision = 'fp32', program = PROGRAM, onDeviceLost } = options;
    this.#program = new ComputeProgram({
      ...{ program, name: 'alice training', device, onDeviceLost },
      settingsOn: (used) => ({ precision: used === device ? precision : 'fp32' }),
      handlers: {
        blob: (request: Parameters<TrainerSource['blob']>[0]) => source.blob(request),
        version: (version: number) => source.version(version),
        onLayer: (report: { done: number; total: number }) => source.onLayer?.(report),
        onStep: (report: Parameters<TrainerSource['onStep']>[0]) => source.onStep(report),
      },
    });
  }

  /** Starts the program if there is none alive, and opens its state. */
  open(request: OpenTrainer): Promise<OpenedTrainer> {
    return this.#program.calls.call('open', request);
  }
  sync(request: SyncRequest): Promise<Synced> {
    return this.#program.calls.call('sync', request);
  }
  train(request: TrainRequest): Promise<Trained> {
    return this.#program.calls.call('train', request);
  }
  submission(taskId: string): Promise<Uint8Array> {
    return this.#program.calls.call('submission', taskId);
  }
  settle(request: { taskId: string; outcome: Outcome }): Promise<void> {
    return this.#program.calls.call('settle', request);
  }
  save(): Promise<void> {
    return this.#program.calls.call('save', undefined);
  }

  /** Ends training after the step it is in. */
  stop(): void {
    this.#program.runningCalls?.call('stop', undefined).catch(() => undefined); // a dead one has stopped
  }

  close(): Promise<void> {
    return this.#program.end((calls) => calls.call('close', undefined));
  }
}
