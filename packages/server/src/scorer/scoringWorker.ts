/** @file Entry of a scorer's computing thread: one ScoringSession behind a message port. */
import { parentPort, workerData } from 'node:worker_threads';
import { type DeviceName, nodePlatformOn } from '@alice/engine/node';
import { createLossFunction, modelLayout } from '@alice/model';
import { initCrypto, PortCalls, portOfThread, type ScoringJob } from '@alice/protocol';
import { ScoringSession } from './ScoringSession.js';
import type { OpenScoring, ScoringSource } from './scoring.js';

if (parentPort === null) throw new Error('scoringWorker is started as a worker thread, not as a program');

/** What the starting thread passes. */
export interface ScoringWorkerData {
  readonly device: DeviceName;
}

const platform = nodePlatformOn((workerData as ScoringWorkerData).device);
const ready = initCrypto();
const calls: PortCalls<ScoringSource> = new PortCalls<ScoringSource>(portOfThread(parentPort), {
  open: async (request: OpenScoring) => {
    await ready;
    await session.open(request);
  },
  score: (job: ScoringJob) => session.score(job),
  close: () => session.close(),
});
const session = new ScoringSession({
  source: {
    blob: (request) => calls.call('blob', request),
    version: (version) => calls.call('version', version),
    batch: (batchId) => calls.call('batch', batchId),
  },
  layoutOf: modelLayout,
  lossFunction: (model, shape) => createLossFunction(model, { ...shape, platform }),
  nowMs: () => performance.now(),
});
