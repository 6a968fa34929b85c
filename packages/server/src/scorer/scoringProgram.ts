/** @file The program of a scorer that computes, on the device it is started for: one ScoringSession behind a port. */
import { nodePlatformOn, servedDevice } from '@alice/engine/node';
import { createLossFunction, modelLayout } from '@alice/model';
import { initCrypto, PortCalls, type ScoringJob } from '@alice/protocol';
import { ScoringSession } from './ScoringSession.js';
import type { OpenScoring, ScoringSource } from './scoring.js';

const { port, device } = servedDevice();
const platform = nodePlatformOn(device);
const ready = initCrypto();
const calls: PortCalls<ScoringSource> = new PortCalls<ScoringSource>(port, {
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
