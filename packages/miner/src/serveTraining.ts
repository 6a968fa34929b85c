/**
 * @file The computing half of a miner behind a port: a session that whoever started this program calls, on weights in memory
 * or in a file, as it was opened. All mathematics of a miner happens here, so the other side always answers the network.
 */
import { initCrypto, type MessagePortLike, Moved, PortCalls } from '@alice/protocol';
import type { Compute } from './compute.js';
import { StreamingSession } from './StreamingSession.js';
import { fileStates } from './stateFile.js';
import { TrainingSession } from './TrainingSession.js';
import type { OpenTrainer, Outcome, SyncRequest, Trainer, TrainerSource, TrainRequest } from './trainer.js';

export function serveTraining(port: MessagePortLike, compute: Compute): void {
  const ready = initCrypto();
  let isStopping = false;
  const calls: PortCalls<Required<TrainerSource>> = new PortCalls<Required<TrainerSource>>(port, {
    open: async (request: OpenTrainer) => {
      await ready;
      const wanted = request.streamed ? inFile : inMemory;
      if (session !== wanted) await session.close();
      session = wanted;
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
    stop: () => {
      isStopping = true;
    },
    close: () => session.close(),
  });
  const ports = {
    source: {
      blob: (request) => calls.call('blob', request),
      version: (version) => calls.call('version', version),
      onLayer: (report) => void calls.call('onLayer', report),
      onStep: (report) => void calls.call('onStep', report),
    } satisfies TrainerSource,
    nowMs: () => performance.now(),
    stopRequested: () => isStopping,
  };
  const inMemory = new TrainingSession({ ...ports, compute, openStates: fileStates });
  const inFile = new StreamingSession(ports);
  let session: Trainer = inMemory;
}
