/** @file Whose turn it is: one at a time, urgent ones first, nobody left waiting for ever. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Turns } from './Turns.js';

test('one at a time, each kind in its order, never two urgent ones before something that waits', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 30 }), async (asked) => {
      const turns = new Turns();
      const order: number[] = [];
      let open = 0;
      await Promise.all(
        asked.map((isUrgent, i) =>
          turns.take(async () => {
            assert.equal(++open, 1);
            await Promise.resolve();
            order.push(i);
            open--;
          }, isUrgent),
        ),
      );
      assert.equal(order.length, asked.length);
      for (const kind of [true, false]) {
        const own = order.filter((i) => asked[i] === kind);
        assert.deepEqual(
          own,
          [...own].sort((a, b) => a - b),
        );
      }
      // All were asked before the second began: of what waited then, urgent and others alternate while there are both.
      const kinds = order.slice(1).map((i) => asked[i]!);
      const lastOther = kinds.lastIndexOf(false);
      for (let i = 1; i < lastOther; i++) assert.ok(!(kinds[i - 1] && kinds[i]), `${kinds}`);
    }),
  );
});

test('urgent goes before what was asked earlier', async () => {
  const turns = new Turns();
  const order: string[] = [];
  const add = (name: string, isUrgent: boolean) => turns.take(async () => void order.push(name), isUrgent);
  await Promise.all([add('first', false), add('a', false), add('b', false), add('urgent', true)]);
  assert.deepEqual(order, ['first', 'urgent', 'a', 'b']);
});

test('what fails fails alone', async () => {
  const turns = new Turns();
  const failing = turns.take(() => Promise.reject(new Error('no')), true);
  const next = turns.take(async () => 'done', false);
  await assert.rejects(failing, /no/);
  assert.equal(await next, 'done');
});
