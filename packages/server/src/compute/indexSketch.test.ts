/** @file Sketches: what they rule out is no copy, and they rule out nearly everything that is none. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { seededRandom } from '@alice/protocol';
import { indexSketch, mayBeCopies } from './indexSketch.js';

const MAX_ENTRIES = 30_000;

function indices(seed: string, count: number): Uint32Array {
  const random = seededRandom(seed);
  const picked = new Set<number>();
  while (picked.size < count) picked.add(random.below(1_000_000));
  return Uint32Array.from(picked).sort();
}

it('rules out honest pairs and never a copy, whole or in part', () => {
  const full = indices('original', MAX_ENTRIES);
  const sketch = indexSketch(full, MAX_ENTRIES);
  assert.ok(sketch.length > 800 && sketch.length < 1_250, `${sketch.length} samples`);
  for (let i = 0; i < 20; i++) {
    assert.equal(mayBeCopies(sketch, indexSketch(indices(`honest ${i}`, MAX_ENTRIES), MAX_ENTRIES)), false);
    // Nine tenths kept, one tenth made up; of the whole and of ever smaller parts.
    const random = seededRandom(`copy ${i}`);
    const part = full.filter(() => random.below(1_000) < 900 / (1 + i));
    const copy = Uint32Array.from(
      new Set([...part, ...indices(`noise ${i}`, Math.floor(part.length / 9))]),
    ).sort();
    assert.equal(mayBeCopies(sketch, indexSketch(copy, MAX_ENTRIES)), true, `copy ${i}`);
  }
  assert.equal(mayBeCopies(sketch, indexSketch(full.subarray(0, 40), MAX_ENTRIES)), true, 'too few to tell');
});
