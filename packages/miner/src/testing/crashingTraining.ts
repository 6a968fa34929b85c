/** @file A training program whose device crashes in the second step of a task, for tests; the processor is sound. */
import { nodePlatformOn, servedDevice } from '@alice/engine/node';
import { type Compute, engineCompute, runAfter } from '../compute.js';
import { serveTraining } from '../serveTraining.js';

const { port, device } = servedDevice();
const sound = engineCompute(nodePlatformOn('cpu'));
const crashing: Compute = {
  ...sound,
  async gradientFunction(model, shape) {
    const real = await sound.gradientFunction(model, shape);
    let steps = 0;
    return runAfter(real, async () => {
      if (++steps === 2) process.abort();
    });
  },
};
serveTraining(port, device === 'cpu' ? sound : crashing);
