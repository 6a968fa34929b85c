/** @file The cache of the most recently used: bounded by number or by weight, and honest about what was replaced. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createLru } from './lru.js';

it('keeps the last used, by number or by weight, and always the newest', () => {
  const few = createLru<string, number>(2);
  few.set('a', 1);
  few.set('b', 2);
  few.get('a');
  few.set('c', 3);
  assert.deepEqual([few.get('a'), few.get('b'), few.get('c')], [1, undefined, 3]);
  const light = createLru<string, number>(10, (value) => value);
  for (const [key, value] of [
    ['a', 4],
    ['b', 4],
    ['a', 2],
    ['c', 4],
  ] as const)
    light.set(key, value);
  assert.deepEqual([light.get('a'), light.get('b'), light.get('c')], [2, 4, 4], 'a weighs 2 now');
  light.delete('b');
  light.delete('b');
  light.set('d', 4);
  assert.deepEqual([light.get('a'), light.get('c'), light.get('d')], [2, 4, 4]);
  light.set('huge', 100);
  assert.deepEqual([light.get('d'), light.get('huge')], [undefined, 100]);
  light.set('e', 1);
  assert.deepEqual([light.get('huge'), light.get('e')], [undefined, 1]);
});
