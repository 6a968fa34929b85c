/**
 * @file A task trained where weights stay on a device is the processor's, and the optimiser goes on from one to the other:
 * a miner that falls back after a crash loses nothing it carries.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Platform } from '@alice/engine';
import { nodePlatformOn } from '@alice/engine/node';
import { initParameters, modelLayout, resolveModel } from '@alice/model';
import { seededRandom, type TaskSettings } from '@alice/protocol';
import { trainLocally } from '@alice/training';
import { type Compute, engineCompute, runAfter } from './compute.js';
import { LocalTrainer } from './LocalTrainer.js';

const model = {
  ...resolveModel('nano'),
  ...{ layers: 1, width: 16, heads: 2, kvHeads: 1, ffn: 24, context: 8, vocab: 40 },
};
const layout = modelLayout(model);
const keeping: Platform = { ...nodePlatformOn('cpu'), hasOwnMemory: true };
const base = initParameters(model, 'base');
const settings = {
  ...{ innerSteps: 4, rowsPerStep: 4, sequenceLength: 8, learningRates: [5e-3, 5e-3, 4e-3, 3e-3] },
  ...{ weightDecay: 0.01, gradientClip: 1, density: 0.1, errorFeedbackDecay: 1 },
};

interface Trained {
  readonly delta: Float32Array;
  readonly saved: Uint8Array | undefined;
}

function trainerOn(compute: Compute, saved?: Uint8Array): LocalTrainer {
  const ports = { compute, nowMs: () => 0, stopRequested: () => false, onStep: () => {} };
  return new LocalTrainer({ model, layout, threads: 1 }, ports, saved);
}

function workOf(optimizer: TaskSettings['optimizer'], task: number) {
  const random = seededRandom(`rows ${task}`);
  const rows = Uint16Array.from({ length: 4 * 4 * 9 }, () => random.below(model.vocab));
  return { settings: { ...settings, optimizer }, base, rows, steps: 4, windowMs: 1000 };
}

async function train(
  optimizer: TaskSettings['optimizer'],
  at: { readonly platform?: Platform; readonly saved?: Uint8Array | undefined; readonly task: number },
): Promise<Trained> {
  const trainer = trainerOn(engineCompute(at.platform), at.saved);
  const { delta } = await trainer.train(workOf(optimizer, at.task));
  const saved = trainer.exportOptimizer();
  await trainer.dispose();
  return { delta, saved };
}

for (const optimizer of ['muon', 'adamw', 'sgd'] as const)
  test(`${optimizer}: a task on a device, the next one on the processor, and the other way round`, async () => {
    const first = await train(optimizer, { task: 1 });
    const second = await train(optimizer, { task: 2, saved: first.saved });
    const there = await train(optimizer, { task: 1, platform: keeping });
    near(there.delta, first.delta, 'first task');
    near((await train(optimizer, { task: 2, saved: there.saved })).delta, second.delta, 'then the processor');
    const back = await train(optimizer, { task: 2, saved: first.saved, platform: keeping });
    near(back.delta, second.delta, 'then a device');
  });

/** The processor, where one gradient of all four rows fails: the one given, counted from 0. */
function failingCompute(message: string, failing: number): Compute {
  const compute = engineCompute();
  let runs = 0;
  return {
    ...compute,
    async gradientFunction(own, shape) {
      const inner = await compute.gradientFunction(own, shape);
      if (shape.batch !== 4) return inner;
      return runAfter(inner, async () => {
        if (runs++ === failing) throw new Error(message);
      });
    },
  };
}

for (const optimizer of ['muon', 'adamw'] as const)
  test(`${optimizer}: memory that ends amid a task leaves no step of the attempt in the optimiser`, async () => {
    const { saved } = await train(optimizer, { task: 1 });
    const results: Trained[] = [];
    for (const failing of [0, 2]) {
      const trainer = trainerOn(failingCompute('std::bad_alloc', failing), saved);
      const { delta } = await trainer.train(workOf(optimizer, 2));
      assert.equal(trainer.microBatch, 2);
      results.push({ delta, saved: trainer.exportOptimizer() });
      await trainer.dispose();
    }
    assert.deepEqual(results[1], results[0]);
  });

test('a task that fails in its third step and is done again is as if it had not failed', async () => {
  const first = await train('adamw', { task: 1 });
  const second = await train('adamw', { task: 2, saved: first.saved });
  const trainer = trainerOn(failingCompute('the driver is gone', 4 + 2));
  await trainer.train(workOf('adamw', 1));
  trainer.exportOptimizer();
  await assert.rejects(trainer.train(workOf('adamw', 2)), /driver is gone/);
  const { delta } = await trainer.train(workOf('adamw', 2));
  assert.deepEqual([delta, trainer.exportOptimizer()], [second.delta, second.saved]);
  await trainer.dispose();
});

test('what is to be done before each gradient is done, wherever weights lie', async () => {
  const rows = new Uint16Array(2 * 9).fill(3);
  for (const platform of [undefined, keeping]) {
    const shape = { batch: 2, sequenceLength: 8, threads: 1 };
    const inner = await engineCompute(platform).gradientFunction(model, shape);
    const order: string[] = [];
    const gradientFunction = runAfter(inner, async () => void order.push('before'));
    const optimizer = await engineCompute().optimizer({ ...settings, optimizer: 'sgd' }, layout, 1);
    const { steps } = await trainLocally({
      ...{ gradientFunction, optimizer, base, rows, steps: 1, rowsPerStep: 2, learningRateAt: () => 1e-3 },
      onStep: () => order.push('step'),
    });
    assert.equal(steps, 1);
    assert.deepEqual(order, ['before', 'step']);
    await gradientFunction.dispose();
    await optimizer.dispose();
  }
});

function near(got: Float32Array, want: Float32Array, what: string): void {
  const largest = want.reduce((max, x) => Math.max(max, Math.abs(x)), 0);
  const worst = want.reduce((max, x, i) => Math.max(max, Math.abs(x - got[i]!)), 0);
  assert.ok(worst < 2e-4 * largest, `${what}: off by ${worst}, largest ${largest}`);
}
