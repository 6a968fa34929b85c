/** @file The estimate of a graph's memory on graphs small enough to count by hand. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openSession } from '../session/openSession.js';
import * as ops from './operations.js';
import { workingBytes } from './workingMemory.js';

const x = ops.input('x', [10]);

test('a chain holds two links at a time, what is handed back and what is fed counts for nothing', () => {
  const chain = ops.exp(ops.neg(ops.exp(ops.neg(x))));
  assert.equal(workingBytes({ y: chain }), 2 * 40);
  assert.equal(workingBytes({ y: ops.neg(x) }), 0);
});

test('a value that is read late lives until then; a view costs nothing', () => {
  const early = ops.exp(x);
  const late = ops.mul(ops.reshape(ops.neg(ops.neg(early)), [10]), early);
  assert.equal(workingBytes({ y: late }), 3 * 40);
});

test('a platform is told, so that it can save memory where that is short', async () => {
  let told = 0;
  const platform = {
    open: async (_: Uint8Array, options: { workingBytes?: number }) => {
      told = options.workingBytes ?? -1;
      return { run: async () => ({}), release: async () => undefined };
    },
  };
  await openSession({ y: ops.exp(ops.neg(ops.exp(x))) }, { threads: 1, platform });
  assert.equal(told, 2 * 40);
});
