/**
 * @file The baseline a cluster would reach: data-parallel AdamW, the mean of all devices' gradients every step, on the same
 * rows as the protocol's tasks. Uplink is counted as dense FP32 gradients, four bytes a parameter, device and step.
 */

import { initParameters } from '@alice/model';
import { fromHalves } from '@alice/protocol';
import { clipGradient, createAdamW, learningRateAt, publishHalves } from '@alice/training';
import type { Arm, RoundRow } from '../experiments/Experiment.js';
import type { Laboratory } from './Laboratory.js';
import { isReported } from './settings.js';

/** Records a row after as many steps as a round of the protocol has, where the curve has a point. */
export async function runDense(
  { id, settings, participants, rounds }: Arm,
  lab: Laboratory,
  onRow: (row: RoundRow) => void,
): Promise<void> {
  const { training, seed } = settings;
  const { rowsPerStep, innerSteps, sequenceLength, schedule, gradientClip, weightDecay } = training;
  const parameters = fromHalves(publishHalves(initParameters(settings.model, seed)));
  const optimizer = createAdamW(lab.layout, { weightDecay });
  const report = (
    await lab.sample('validation', training.mergeRows + settings.reportRows, `${seed}/report`)
  ).subarray(training.mergeRows * lab.rowLength);
  const gradient = new Float32Array(lab.layout.size);
  const mean = new Float32Array(lab.layout.size);
  for (let round = 0; round < rounds; round++) {
    const tasks = await Promise.all(
      participants.map(({ id: miner }) =>
        lab.taskRows({ seed, miner, round, rows: innerSteps * rowsPerStep }),
      ),
    );
    const size = rowsPerStep * lab.rowLength;
    for (let step = 0; step < innerSteps; step++) {
      mean.fill(0);
      for (const task of tasks) {
        await lab.gradientFunction.run(parameters, task.subarray(step * size, (step + 1) * size), gradient);
        for (let i = 0; i < mean.length; i++) mean[i]! += gradient[i]! / tasks.length;
      }
      clipGradient(mean, gradientClip);
      await optimizer.step({
        parameters,
        gradient: mean,
        learningRate: learningRateAt(schedule, round * innerSteps + step),
      });
    }
    if (!isReported(settings, round)) continue;
    const losses = await lab.lossFunction.run(parameters, report);
    const steps = (round + 1) * innerSteps * tasks.length;
    onRow({
      ...nothing,
      arm: id,
      round,
      lossNats: losses.reduce((sum, loss) => sum + loss, 0) / losses.length,
      tokens: steps * rowsPerStep * sequenceLength,
      uplinkBytes: steps * 4 * lab.layout.size,
      applied: 1,
      honestSent: tasks.length,
      honestAccepted: tasks.length,
      honestSteps: innerSteps * tasks.length,
    });
  }
}

const nothing = {
  honestPaidNats: 0,
  hostileSent: 0,
  hostileAccepted: 0,
  hostileSteps: 0,
  hostilePaidNats: 0,
  honestCovered: '',
  hostileCovered: '',
  refusals: '',
  stateRoot: '',
};
