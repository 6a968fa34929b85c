/** @file The budget of bytes in flight: never exceeded, in turn, and nobody waits for ever. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createByteBudget } from './byteBudget.js';

it('admits in turn and never above the limit, except one that is larger than all of it', async () => {
  const budget = createByteBudget(100);
  const admitted: string[] = [];
  const take = (name: string, bytes: number) => budget.take(bytes).then(() => admitted.push(name));
  await take('a', 60);
  await take('b', 40);
  const waiting = [take('c', 70), take('d', 10), take('huge', 500)];
  await new Promise(setImmediate);
  assert.deepEqual(admitted, ['a', 'b']);
  budget.give(60);
  await new Promise(setImmediate);
  assert.deepEqual(admitted, ['a', 'b'], 'd does not overtake c');
  budget.give(40);
  await Promise.all(waiting.slice(0, 2));
  assert.equal(budget.heldBytes, 80);
  budget.give(70);
  budget.give(10);
  await waiting[2];
  assert.deepEqual(admitted, ['a', 'b', 'c', 'd', 'huge']);
  budget.give(500);
  assert.deepEqual([budget.heldBytes, budget.peakBytes], [0, 500]);
});
