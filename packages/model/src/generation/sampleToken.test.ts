/** @file Sampling: where each number in [0, 1) lands. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '@alice/protocol';
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

test('top-p keeps the fewest likeliest that sum to it, and at least one', () => {
  const drawn = (topP: number, topK = 0) => {
    const counts = [0, 0, 0, 0];
    for (let i = 0; i < 900; i++)
      counts[sampleToken(logits, { temperature: 1, topK, topP, unit: (i + 0.5) / 900 })]!++;
    return counts;
  };
  assert.deepEqual(drawn(0.3), [0, 0, 0, 900]);
  assert.deepEqual(drawn(0.85), [0, 200, 300, 400]);
  assert.deepEqual(drawn(0.05), [0, 0, 0, 900]);
  // 0.3 and 0.4 are left by top-k; of these, 0.4/0.7 is more than half.
  assert.deepEqual(drawn(0.5, 2), [0, 0, 0, 900]);
});

test('what is kept is what sorting the whole vocabulary would keep', () => {
  const gaussian = seededRandom('sample');
  const many = Float32Array.from({ length: 5000 }, () => Math.round(40 * gaussian.normal()) / 10); // with ties
  const byLogit = [...many.keys()].sort((a, b) => many[b]! - many[a]! || a - b);
  for (const topK of [1, 7, 300]) {
    const drawn = new Set<number>();
    for (let i = 0; i < 3000; i++)
      drawn.add(sampleToken(many, { temperature: 1000, topK, unit: (i + 0.5) / 3000 }));
    assert.deepEqual(
      [...drawn].sort((a, b) => a - b),
      byLogit.slice(0, topK).sort((a, b) => a - b),
    );
  }
  const weights = byLogit.map((token) => Math.exp(many[token]!));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let sum = 0;
  const size =
    weights.findIndex((weight) => {
      sum += weight;
      return sum >= 0.9 * total;
    }) + 1;
  const last = sampleToken(many, { temperature: 1, topK: 0, topP: 0.9, unit: 1 - 1e-12 });
  assert.equal(last, byLogit[size - 1]);
});
