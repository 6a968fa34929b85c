/** @file A miner's parts behind a gate: while it is closed no step of training starts and no task is asked for. */
import type { ServerClient } from '@alice/protocol';
import { type Compute, runAfter } from '../compute.js';
import type { MinerServer } from '../minerServer.js';
import type { Gate } from './Gate.js';

export function gatedCompute(compute: Compute, gate: Gate): Compute {
  return {
    ...compute,
    gradientFunction: async (model, shape) =>
      runAfter(await compute.gradientFunction(model, shape), () => gate.pass()),
  };
}

export function gatedServer(client: ServerClient, gate: Gate): MinerServer {
  return {
    register: () => client.register(),
    latestVersion: () => client.latestVersion(),
    version: (version) => client.version(version),
    submit: (...work) => client.submit(...work),
    submission: (submissionId) => client.submission(submissionId),
    nextTask: async (waitMs) => {
      await gate.pass();
      return client.nextTask(waitMs);
    },
  };
}
