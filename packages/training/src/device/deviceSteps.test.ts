/**
 * @file Training with weights, gradients and sums resident: the processor's numbers, by the bytes of tokens and scalars
 * alone; what is not finite is left out; nothing stays behind. The graphs run on the processor here, on WebGPU in
 * webgpu.e2e.ts.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeviceTensor, Platform } from '@alice/engine';
import { nodePlatformOn } from '@alice/engine/node';
import { createGradientFunction, type DeviceGradientFunction, type GradientFunction } from '@alice/model';
import { trainLocally } from '../localTraining.js';
import { DeviceSessions } from './DeviceSessions.js';
import { deviceModel, SHAPE, TASK_ROWS, taskData } from './testing/deviceLessons.js';
import { deviceGradientOn, deviceTasks, optimizerOf } from './testing/deviceTask.js';

const processor = nodePlatformOn('cpu');
/** FP32 sums in another order, 16 updates one upon another. */
const RTOL = 2e-5;
const { base, rows } = taskData();
const common = { base, rows, rowsPerStep: TASK_ROWS, learningRateAt: () => 3e-3, clipNorm: 0.5 };

test("sixteen steps on a device are the processor's with any optimiser and objective, by tokens and scalars alone", async () => {
  const tasks = await deviceTasks(processor, 16);
  assert.deepEqual(
    tasks.map(({ objective, optimizer }) => `${objective} ${optimizer}`),
    ['lm muon', 'lm adafactor', 'lm adamw', 'lm sgd', 'sft adamw', 'dpo muon'],
  );
  for (const { objective, optimizer, losses, ...task } of tasks) {
    const { deltaError, carriedError, lossError, normError } = task;
    const name = `${objective} ${optimizer}`;
    assert.ok(deltaError < RTOL, `${name}: delta off by ${deltaError}`);
    assert.ok(carriedError < RTOL, `${name}: sums off by ${carriedError}`);
    assert.ok(lossError < RTOL && normError < RTOL, `${name}: ${lossError}, ${normError}`);
    if (objective !== 'dpo') assert.ok(losses[1] < losses[0] - 0.3, `${name}: ${losses}, it did not learn`);
    assert.deepEqual(task.stepBytes, task.expectedBytes, name);
  }
});

test('a gradient that is not finite costs its step alone: the rest is as if it had not been', async () => {
  const broken = 1;
  const inner = await createGradientFunction(deviceModel, SHAPE);
  const device = await deviceGradientOn(processor);
  const results = [];
  for (const gradientFunction of [poisoned(inner, broken), await poisonedOnDevice(device, broken)]) {
    const optimizer = await optimizerOf('muon');
    results.push({
      ...(await trainLocally({ ...common, steps: 4, gradientFunction, optimizer })),
      optimizer,
    });
  }
  const [host, onDevice] = results as [(typeof results)[0], (typeof results)[0]];
  assert.deepEqual([host.skippedSteps, onDevice.skippedSteps], [1, 1]);
  assert.deepEqual([host.steps, onDevice.steps], [3, 3]);
  assert.equal(onDevice.optimizer.carried.steps, 3);
  const largest = host.delta.reduce((max, x) => Math.max(max, Math.abs(x)), 0);
  onDevice.delta.forEach((x, i) => {
    assert.ok(Math.abs(x - host.delta[i]!) < 1e-4 * largest, `element ${i}: ${x}, not ${host.delta[i]}`);
  });
  await inner.dispose();
  await device.dispose();
});

test('FP16: gradients that overflow are computed again at a smaller scale, and clipped as what they are', async () => {
  const scales: number[] = [];
  const large = base.map((weight) => 6 * weight);
  const options = { precision: 'fp16', onLossScale: (scale: number) => void scales.push(scale) } as const;
  const half = await deviceGradientOn(processor, options);
  const host = await createGradientFunction(deviceModel, { ...SHAPE, precision: 'fp16' });
  const norms: number[] = [];
  for (const gradientFunction of [half, host]) {
    const optimizer = await optimizerOf('sgd');
    const work = { ...common, base: large, steps: 1, gradientFunction, optimizer };
    const { steps } = await trainLocally({ ...work, onStep: ({ gradNormL2 }) => norms.push(gradNormL2) });
    assert.equal(steps, 1);
    await gradientFunction.dispose();
  }
  assert.ok(scales.length > 0, 'nothing overflowed');
  assert.ok(Math.abs(norms[0]! / norms[1]! - 1) < 1e-3, `norm ${norms[0]}, on the processor ${norms[1]}`);
});

test('whatever happens in a task, nothing of it stays on the device and no sum is half written', async () => {
  const live = new Set<DeviceTensor>();
  const counted = await deviceGradientOn(countedPlatform(live));
  const optimizer = await optimizerOf('adamw');
  const work = { ...common, steps: 3, gradientFunction: counted, optimizer };
  await trainLocally(work);
  assert.equal(live.size, 0);
  const before = optimizer.exportState();
  let calls = 0;
  const failing: DeviceGradientFunction = {
    ...counted,
    run: (...inputs) =>
      ++calls > 3 ? Promise.reject(new Error('the device is gone')) : counted.run(...inputs),
  };
  await assert.rejects(trainLocally({ ...work, gradientFunction: failing }), /the device is gone/);
  assert.equal(live.size, 0);
  assert.deepEqual(optimizer.exportState(), before);
  await counted.dispose();
});

function poisoned(inner: GradientFunction, broken: number): GradientFunction {
  const perStep = TASK_ROWS / inner.batch;
  let call = 0;
  return {
    ...inner,
    async run(parameters, tokens, gradient) {
      const loss = await inner.run(parameters, tokens, gradient);
      if (call++ === broken * perStep) gradient[7] = Number.NaN;
      return loss;
    },
  };
}

async function poisonedOnDevice(
  inner: DeviceGradientFunction,
  broken: number,
): Promise<DeviceGradientFunction> {
  const perStep = TASK_ROWS / inner.batch;
  const sessions = new DeviceSessions(inner.device);
  const [first] = inner.parts;
  let call = 0;
  return {
    ...inner,
    async run(weights, tokens) {
      const result = await inner.run(weights, tokens);
      if (call++ !== broken * perStep) return result;
      const poison = new Float32Array(first!.size);
      poison[7] = Number.NaN;
      result.gradients[0]!.release();
      const bad = await sessions.place(poison, first!.shape);
      return { ...result, gradients: [bad, ...result.gradients.slice(1)] };
    },
  };
}

/** Holds what was kept and not given back. */
function countedPlatform(live: Set<DeviceTensor>): Platform {
  return {
    ...processor,
    async openKeeping(model, options) {
      const session = await processor.openKeeping!(model, options);
      return {
        ...session,
        async run(feeds) {
          const { kept, read } = await session.run(feeds);
          const watched = Object.entries(kept).map(([name, tensor]) => {
            const release = (): void => {
              live.delete(own);
              tensor.release();
            };
            const own: DeviceTensor = { ...tensor, release };
            live.add(own);
            return [name, own] as const;
          });
          return { kept: Object.fromEntries(watched), read };
        },
      };
    },
  };
}
