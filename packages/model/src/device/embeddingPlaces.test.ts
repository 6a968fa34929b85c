/** @file Every position finds its token again through its slot, and no two slots share a token. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '@alice/protocol';
import { embeddingPlaces } from './embeddingPlaces.js';

test('slots lead back to the tokens, and are all different', () => {
  const random = seededRandom('places');
  for (const [positions, vocab] of [
    [12, 61],
    [61, 12],
    [5, 5],
    [1, 1],
    [40, 100],
  ] as const) {
    const inputs = Int32Array.from({ length: positions }, () => random.below(vocab));
    const { slots, tokens } = embeddingPlaces(inputs, vocab);
    const name = `${positions} of ${vocab}`;
    assert.deepEqual(
      slots.map((slot) => tokens[slot]!),
      inputs,
      name,
    );
    assert.equal(new Set(tokens).size, Math.min(positions, vocab), name);
    assert.ok(
      tokens.every((token) => token >= 0 && token < vocab),
      name,
    );
  }
});
