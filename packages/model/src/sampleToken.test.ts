/** @file Sampling: where each number in [0, 1) lands. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleToken } from './sampleToken.js';

/** Probabilities 0.1, 0.2, 0.3, 0.4. */
const logits = Float32Array.from([0.1, 0.2, 0.3, 0.4], Math.log);

test('temperature 0 takes the likeliest, the lower id among equals', () => {
  assert.equal(sampleToken(logits, { temperature: 0, topK: 0, unit: 0.99 }), 3);
  assert.equal(sampleToken(Float32Array.of(1, 7, 7), { temperature: 0, topK: 0, unit: 0 }), 1);
});

test('temperature 1 draws each token as often as its probability', () => {
  const counts = [0, 0, 0, 0];
  for (let i = 0; i < 1000; i++)
    counts[sampleToken(logits, { temperature: 1, topK: 0, unit: (i + 0.5) / 1000 })]!++;
  assert.deepEqual(counts, [100, 200, 300, 400]);
});

test('top-k leaves the rest out, and keeps proportions', () => {
  const counts = [0, 0, 0, 0];
  for (let i = 0; i < 700; i++)
    counts[sampleToken(logits, { temperature: 1, topK: 2, unit: (i + 0.5) / 700 })]!++;
  assert.deepEqual(counts, [0, 0, 300, 400]);
});

test('a low temperature sharpens: p² at one half', () => {
  const counts = [0, 0, 0, 0];
  for (let i = 0; i < 30; i++)
    counts[sampleToken(logits, { temperature: 0.5, topK: 0, unit: (i + 0.5) / 30 })]!++;
  assert.deepEqual(counts, [1, 4, 9, 16]);
});
