/**
 * @file The computing half of a miner as seen from the other thread: the `Trainer` calls, forwarded to a worker. A
 * worker that dies fails its open calls with `THREAD_ENDED`; the next `open` starts a new one from what is on disk.
 */
import { Worker } from 'node:worker_threads';
import { errorCodeOf, PortCalls, portOfThread } from '@alice/protocol';
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
import type { TrainingWorkerData } from './trainingWorker.js';

/** What is computed on, and in which precision gradients are. */
export type ComputeDevice = Pick<TrainingWorkerData, 'device' | 'precision'>;

export class TrainingThread implements Trainer {
  readonly #source: TrainerSource;
  readonly #device: ComputeDevice;
  readonly #stop = new Int32Array(new SharedArrayBuffer(4));
  #worker: Worker | undefined;
  #calls: PortCalls<Trainer> | undefined;

  /** `device`: what is computed on; that it works was found out before, since a provider can end the process. */
  constructor(source: TrainerSource, device: ComputeDevice = { device: 'cpu', precision: 'fp32' }) {
    this.#source = source;
    this.#device = device;
  }

  /** Starts the worker if there is none alive, and opens its state. */
  open(request: OpenTrainer): Promise<OpenedTrainer> {
    return this.#started().call('open', request);
  }
  sync(request: SyncRequest): Promise<Synced> {
    return this.#started().call('sync', request);
  }
  train(request: TrainRequest): Promise<Trained> {
    return this.#started().call('train', request);
  }
  submission(taskId: string): Promise<Uint8Array> {
    return this.#started().call('submission', taskId);
  }
  settle(request: { taskId: string; outcome: Outcome }): Promise<void> {
    return this.#started().call('settle', request);
  }

  save(): Promise<void> {
    return this.#started().call('save', undefined);
  }

  /** Ends training after the step it is in. */
  stop(): void {
    Atomics.store(this.#stop, 0, 1);
  }

  async close(): Promise<void> {
    const worker = this.#worker;
    if (worker === undefined) return;
    try {
      await this.#calls?.call('close', undefined);
    } catch (error) {
      if (errorCodeOf(error) !== 'THREAD_ENDED') throw error; // it died first: what it had saved is on disk
    } finally {
      this.#worker = undefined;
      await worker.terminate();
    }
  }

  #started(): PortCalls<Trainer> {
    if (this.#worker !== undefined && this.#calls !== undefined) return this.#calls;
    const workerData: TrainingWorkerData = {
      stop: this.#stop.buffer as SharedArrayBuffer,
      ...this.#device,
    };
    const worker = new Worker(new URL('./trainingWorker.js', import.meta.url), {
      workerData,
      name: 'alice training',
    });
    const source = this.#source;
    const calls = new PortCalls<Trainer>(portOfThread(worker), {
      blob: (request: { hash: string; sizeBytes: number }) => source.blob(request),
      version: (version: number) => source.version(version),
      onStep: (report: Parameters<TrainerSource['onStep']>[0]) => source.onStep(report),
    });
    const gone = (reason: string, cause?: unknown): void => {
      calls.end(reason, cause);
      if (this.#worker === worker) this.#worker = undefined;
    };
    worker.on('error', (error) => gone(error.message, error));
    worker.on('exit', (code) => gone(`exit code ${code}`));
    this.#worker = worker;
    this.#calls = calls;
    return calls;
  }
}
