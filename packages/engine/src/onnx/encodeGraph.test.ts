/** @file The encoded model depends on the graph alone, and shared parts are written once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gradients } from '../graph/gradients.js';
import * as ops from '../graph/operations.js';
import type { Value } from '../graph/value.js';
import { encodeGraph } from './encodeGraph.js';

function attentionGraph(): Record<string, Value> {
  const [q, k, v] = ['q', 'k', 'v'].map((name) => ops.input(name, [1, 2, 3, 4])) as [Value, Value, Value];
  const y = ops.attention({ q, k, v, scale: 0.5 });
  const [dq] = gradients(y, [q]) as [Value];
  return { y, dq };
}

test('equal graphs give equal bytes', () => {
  assert.deepEqual(encodeGraph(attentionGraph()), encodeGraph(attentionGraph()));
});

test('attention and its gradient share one softmax', () => {
  const text = new TextDecoder('latin1').decode(encodeGraph(attentionGraph()));
  assert.equal(text.split('Softmax').length - 1, 1);
});
