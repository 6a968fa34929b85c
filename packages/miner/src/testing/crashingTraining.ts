/** @file A training program whose device crashes in the second step of a task, for tests; the processor is sound. */
import { nodePlatformOn, servedDevice } from '@alice/engine/node';
import { type Compute, engineCompute } from '../compute.js';
import { serveTraining } from '../serveTraining.js';

const { port, device } = servedDevice();
const sound = engineCompute(nodePlatformOn('cpu'));
const crashing: Compute = {
  ...sound,
  async gradientFunction(model, shape) {
    const real = await sound.gradientFunction(model, shape);
    let steps = 0;
    return {
      ...real,
      async run(...args) {
        if (++steps === 2) process.abort();
        return await real.run(...args);
      },
    };
  },
};
serveTraining(port, device === 'cpu' ? sound : crashing);
