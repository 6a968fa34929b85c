/** @file Entry of a scorer's computing thread: one ScoringSession behind a message port. */
import { parentPort } from 'node:worker_threads';
import { createLossFunction, modelLayout } from '@alice/model';
import { initCrypto, PortCalls, portOfThread, type ScoringJob } from '@alice/protocol';
import { ScoringSession } from './ScoringSession.js';
import type { OpenScoring, ScoringSource } from './scoring.js';

if (parentPort === null) throw new Error('scoringWorker is started as a worker thread, not as a program');

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
  lossFunction: createLossFunction,
  nowMs: () => performance.now(),
});
