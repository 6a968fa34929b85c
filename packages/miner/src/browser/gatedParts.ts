/** @file A miner's parts behind a gate: while it is closed no step of training starts and no task is asked for. */
import type { ServerClient } from '@alice/protocol';
import type { Compute } from '../compute.js';
import type { MinerServer } from '../minerServer.js';
import type { Gate } from './Gate.js';

export function gatedCompute(compute: Compute, gate: Gate): Compute {
  return {
    ...compute,
    gradientFunction: async (model, shape) => {
      const { batch, sequenceLength, ...inner } = await compute.gradientFunction(model, shape);
      return {
        batch,
        sequenceLength,
        run: async (parameters, tokens, gradient) => {
          await gate.pass();
          return inner.run(parameters, tokens, gradient);
        },
        dispose: () => inner.dispose(),
      };
    },
  };
}

export function gatedServer(client: ServerClient, gate: Gate): MinerServer {
  return {
    register: () => client.register(),
    latestVersion: () => client.latestVersion(),
    version: (version) => client.version(version),
    submit: (taskId, bytes) => client.submit(taskId, bytes),
    submission: (submissionId) => client.submission(submissionId),
    nextTask: async (waitMs) => {
      await gate.pass();
      return client.nextTask(waitMs);
    },
  };
}
