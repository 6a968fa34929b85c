/** @file Sketches: what they rule out is no copy, and they rule out nearly everything that is none. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { seededRandom } from '@alice/protocol';
import { mayBeCopies, sketchIndices } from './indexSketch.js';

const MAX_ENTRIES = 30_000;
const sketchOf = (indices: Uint32Array, secret = 'secret') =>
  sketchIndices({ indices, values: new Float32Array(indices.length) }, secret);

function indices(seed: string, count: number): Uint32Array {
  const random = seededRandom(seed);
  const picked = new Set<number>();
  while (picked.size < count) picked.add(random.below(1_000_000));
  return Uint32Array.from(picked).sort();
}

it('rules out honest pairs and never a copy, whole or in part', () => {
  const full = indices('original', MAX_ENTRIES);
  const sketch = sketchOf(full);
  assert.ok(sketch.samples.length > 900 && sketch.samples.length < 2_300, `${sketch.samples.length} samples`);
  for (let i = 0; i < 20; i++) {
    assert.equal(mayBeCopies(sketch, sketchOf(indices(`honest ${i}`, MAX_ENTRIES))), false);
    // Nine tenths kept, one tenth made up; of the whole and of ever smaller parts.
    const random = seededRandom(`copy ${i}`);
    const part = full.filter(() => random.below(1_000) < 900 / (1 + i));
    const copy = Uint32Array.from(
      new Set([...part, ...indices(`noise ${i}`, Math.floor(part.length / 9))]),
    ).sort();
    assert.equal(mayBeCopies(sketch, sketchOf(copy)), true, `copy ${i}`);
  }
  assert.equal(mayBeCopies(sketch, sketchOf(full.subarray(0, 40))), true, 'too few to tell');
});

it('tells small deltas apart by all of their indices', () => {
  const small = indices('small', 40);
  assert.equal(sketchOf(small).samples.length, 40);
  assert.equal(mayBeCopies(sketchOf(small), sketchOf(indices('other', 40))), false);
  assert.equal(mayBeCopies(sketchOf(small), sketchOf(small.subarray(0, 30))), true);
  assert.equal(mayBeCopies(sketchOf(small.subarray(0, 3)), sketchOf(indices('other', 3))), false);
  assert.equal(mayBeCopies(sketchOf(new Uint32Array()), sketchOf(small)), true, 'nothing to tell by');
});

it('looks at indices that only the owner of the secret knows: whoever moves those of another key is still seen', () => {
  const full = indices('original', MAX_ENTRIES);
  const guessed = new Set(sketchOf(full, 'a guess').samples);
  const evasive = full.filter(
    (index) => !guessed.has(sketchOf(Uint32Array.of(index), 'a guess').samples[0]!),
  );
  assert.equal(
    mayBeCopies(sketchOf(full, 'a guess'), sketchOf(evasive, 'a guess')),
    true,
    'none of its samples: says nothing',
  );
  assert.equal(mayBeCopies(sketchOf(full), sketchOf(evasive)), true);
  const [a, b] = [sketchOf(full), sketchOf(full, 'another')];
  assert.ok(a.samples.filter((index) => b.samples.includes(index)).length < a.samples.length / 4);
});
