import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyDelta } from './applyDelta.js';
import { denseDelta } from './flatDelta.js';
import { decideMerge } from './mergeGate.js';
import { bigramModel, bigramRows } from './testing/bigramModel.js';
import { normalVector } from './testing/vectors.js';

const shape = { vocab: 24, sequenceLength: 16, batch: 4 };

test('SPEC AGG-3: an aggregate that learns is applied, the same with its sign flipped is rolled back', async () => {
  const { layout, gradientFunction, lossFunction } = bigramModel(shape);
  const base = new Float32Array(layout.size);
  const gradient = new Float32Array(layout.size);
  await gradientFunction.run(base, bigramRows('train', { ...shape, rows: 64 }), gradient);
  const heldOut = bigramRows('held out', { ...shape, rows: 64 });
  const before = await lossFunction.run(base, heldOut);
  const decisionAt = async (scale: number) => {
    const candidate = base.slice();
    applyDelta(candidate, denseDelta(gradient), scale);
    return decideMerge(before, await lossFunction.run(candidate, heldOut));
  };
  const right = await decisionAt(-20);
  assert.equal(right.verdict, 'apply');
  assert.ok(right.meanGainNats > 0.1 && right.intervalNats[0] > 0);
  const flipped = await decisionAt(20);
  assert.ok(flipped.verdict === 'roll-back' && flipped.reason === 'loss-rose');
  assert.ok(flipped.intervalNats[1] < 0, 'the interval says how sure it is');
});

test('a rise within noise is applied; a large one is not, however noisy', () => {
  const rows = 64;
  const before = new Float64Array(rows).fill(4);
  const after = (rise: number, noise: number) =>
    Float64Array.from(normalVector('noise', rows), (x) => 4 + rise + noise * x);
  assert.equal(decideMerge(before, after(0.001, 0.05)).verdict, 'apply');
  assert.equal(decideMerge(before, after(0.04, 0.05)).verdict, 'roll-back');
  assert.equal(decideMerge(before, after(1, 10)).verdict, 'roll-back');
  assert.equal(decideMerge(before, before).verdict, 'apply');
});

test('losses that are not finite, or too few, are rolled back with their reason', () => {
  const before = new Float64Array(64).fill(4);
  const reasonOf = (after: Float64Array, from = before) => {
    const decision = decideMerge(from, after);
    return decision.verdict === 'roll-back' ? decision.reason : decision.verdict;
  };
  assert.equal(reasonOf(before.with(3, Number.NaN)), 'not-finite');
  assert.equal(reasonOf(before.with(3, Number.POSITIVE_INFINITY)), 'not-finite');
  assert.equal(reasonOf(new Float64Array(4), new Float64Array(4)), 'too-few-rows');
});
