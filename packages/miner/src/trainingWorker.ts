/**
 * @file Entry of the computing thread: one TrainingSession behind a message port. All mathematics of a miner happens
 * here, so the other thread always answers the network.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { type DeviceName, nodePlatformOn } from '@alice/engine/node';
import { initCrypto, Moved, PortCalls, portOfThread } from '@alice/protocol';
import { engineCompute } from './compute.js';
import { fileStates } from './stateFile.js';
import { TrainingSession } from './TrainingSession.js';
import type { OpenTrainer, Outcome, SyncRequest, TrainerSource, TrainRequest } from './trainer.js';

/** What the starting thread passes: a shared flag that stops training between two steps. */
export interface TrainingWorkerData {
  readonly stop: SharedArrayBuffer;
  /** What is computed on. */
  readonly device: DeviceName;
  /** Of gradients. */
  readonly precision: 'fp32' | 'fp16';
}

if (parentPort === null) throw new Error('trainingWorker is started as a worker thread, not as a program');

const { stop: stopFlag, device, precision } = workerData as TrainingWorkerData;
const stop = new Int32Array(stopFlag);
const ready = initCrypto();

const calls: PortCalls<TrainerSource> = new PortCalls<TrainerSource>(portOfThread(parentPort), {
  open: async (request: OpenTrainer) => {
    await ready;
    return session.open(request);
  },
  sync: (request: SyncRequest) => session.sync(request),
  train: (request: TrainRequest) => session.train(request),
  submission: async (taskId: string) => {
    const bytes = (await session.submission(taskId)).slice(); // the original stays here until it is settled
    return new Moved(bytes, [bytes.buffer]);
  },
  settle: (request: { taskId: string; outcome: Outcome }) => session.settle(request),
  save: () => session.save(),
  close: () => session.close(),
});

const session = new TrainingSession({
  source: {
    blob: (request) => calls.call('blob', request),
    version: (version) => calls.call('version', version),
    onStep: (report) => void calls.call('onStep', report),
  },
  compute: engineCompute(nodePlatformOn(device), precision),
  openStates: fileStates,
  nowMs: () => performance.now(),
  stopRequested: () => Atomics.load(stop, 0) === 1,
});
