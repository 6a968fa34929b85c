/** @file A scorer that really evaluates, in this process and through the server's routes: the production session. */
import assert from 'node:assert/strict';
import { createLossFunction, modelLayout } from '@alice/model';
import type { ServerCore } from '../ServerCore.js';
import { ScoringSession } from '../scorer/ScoringSession.js';
import type { TestClient } from './TestClient.js';

export interface RealScorer {
  /** Scores and coordinates until nothing is left to do. */
  scoreAll(): Promise<void>;
  close(): Promise<void>;
}

export async function openRealScorer(core: ServerCore, client: TestClient): Promise<RealScorer> {
  const { networkId, options, model } = core.context;
  const session = new ScoringSession({
    source: {
      blob: async ({ hash }) => (await client.call('blob', { params: { hash } })).bytes,
      version: async (version) =>
        (await client.call('version', { params: { version: String(version) } })).body,
      batch: async (batchId) => (await client.call('batch', { params: { batchId } })).bytes,
    },
    layoutOf: modelLayout,
    lossFunction: createLossFunction,
    nowMs: () => 0,
  });
  await session.open({ networkId, serverId: options.serverKey.address, model: { ...model }, threads: 1 });
  return {
    async scoreAll() {
      for (;;) {
        await core.coordinator.step();
        const job = await client.job();
        if (!job) return;
        const answer = await client.call('jobResult', {
          params: { jobId: job.jobId },
          body: await session.score(job),
        });
        assert.equal(answer.status, 200, JSON.stringify(answer.body));
      }
    },
    close: () => session.close(),
  };
}
