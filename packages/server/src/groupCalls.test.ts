/** @file Group commit: alone at once, together in one piece of work, and one bad call fails alone. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { groupCalls } from './groupCalls.js';

it('works on the first call at once and on all that came meanwhile together, in their order', async () => {
  const groups: number[][] = [];
  const gates: (() => void)[] = [];
  const double = groupCalls<number, number>(async (calls) => {
    groups.push([...calls]);
    await new Promise<void>((resolve) => gates.push(resolve));
    return calls.map((call) => 2 * call);
  }, 3);
  const results = [1, 2, 3, 4, 5].map((call) => double(call));
  const open = async (count: number): Promise<void> => {
    while (gates.length < count) await new Promise((resolve) => setImmediate(resolve));
    gates[count - 1]!();
  };
  await open(1);
  assert.equal(await results[0], 2);
  await open(2);
  await open(3);
  assert.deepEqual(await Promise.all(results), [2, 4, 6, 8, 10]);
  assert.deepEqual(groups, [[1], [2, 3, 4], [5]]);
});

it('repeats a failing group call by call', async () => {
  const half = groupCalls<number, number>(async (calls) => {
    if (calls.some((call) => call % 2 === 1)) throw new Error('odd');
    return calls.map((call) => call / 2);
  }, 10);
  const results = await Promise.allSettled([0, 2, 3, 4].map((call) => half(call)));
  assert.deepEqual(
    results.map((result) => (result.status === 'fulfilled' ? result.value : result.reason.message)),
    [0, 1, 'odd', 2],
  );
});
