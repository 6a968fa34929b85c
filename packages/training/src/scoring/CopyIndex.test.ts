/** @file The index names what comparing every pair finds, and little else. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Random, seededRandom } from '@alice/protocol';
import type { FlatDelta } from '../flatDelta.js';
import { CopyIndex } from './CopyIndex.js';
import { sketchIndices } from './indexSketch.js';
import { defaultOverlapThresholds, overlapOf } from './overlap.js';

const ELEMENTS = 50_000;
const ENTRIES = 3_000;
const SECRET = 'secret';
const THRESHOLD = defaultOverlapThresholds.copy;

const deltaOf = (indices: Iterable<number>): FlatDelta => {
  const sorted = Uint32Array.from(indices).sort();
  return { indices: sorted, values: new Float32Array(sorted.length).fill(1) };
};

/** Half of it where all of them like to be, so that two of them share a quarter. */
function honest(random: Random, count = ENTRIES): FlatDelta {
  const picked = new Set<number>();
  while (picked.size < count / 2) picked.add(random.below(ENTRIES));
  while (picked.size < count) picked.add(random.below(ELEMENTS));
  return deltaOf(picked);
}

function few(random: Random, count: number): Set<number> {
  const picked = new Set<number>();
  while (picked.size < count) picked.add(random.below(ELEMENTS));
  return picked;
}

/** Keeps `kept` of the victim's entries and makes up others until it has `size` of the victim's number. */
function copyOf(
  { indices }: FlatDelta,
  random: Random,
  { kept, size }: { kept: number; size: number },
): FlatDelta {
  const picked = new Set<number>();
  while (picked.size < kept * indices!.length) picked.add(indices![random.below(indices!.length)]!);
  while (picked.size < size * indices!.length) picked.add(random.below(ELEMENTS));
  return deltaOf(picked);
}

const COPIES = [
  { kept: 1, size: 1 },
  { kept: 0.97, size: 1 },
  { kept: 0.92, size: 1 },
  { kept: 0.905, size: 1 }, // just above what counts as a copy
  { kept: 0.89, size: 1 }, // just below
  { kept: 0.9, size: 0.95 },
  { kept: 0.8, size: 0.85 },
  { kept: 0.5, size: 0.5 }, // lies within the victim
  { kept: 0.1, size: 0.1 },
  { kept: 0.01, size: 0.01 }, // too few samples where the victim has some
  { kept: 1, size: 1.3 }, // the victim lies within it
  { kept: 1, size: 3 },
];

describe('index of what may be copied', () => {
  const random = seededRandom('copy index');
  const all: FlatDelta[] = [];
  for (let i = 0; i < 120; i++) all.push(honest(random));
  const victims = COPIES.flatMap((how) => Array.from({ length: 4 }, () => how));
  for (const how of victims) all.push(copyOf(all[random.below(120)]!, random, how));
  const isCopy = (one: number, other: number): boolean =>
    overlapOf(all[one]!, all[other]!).indexFraction >= THRESHOLD;

  it('finds every copy that comparing all pairs finds: whole, disturbed, a part, more than it', () => {
    const index = new CopyIndex('secret');
    const [full, found]: [string[], string[]] = [[], []];
    for (const [i, delta] of all.entries()) {
      const sketch = sketchIndices(delta, SECRET);
      const named = index.candidates(sketch);
      for (let j = 0; j < i; j++) if (isCopy(i, j)) full.push(`${i} of ${j}`);
      for (let j = 0; j < i; j++) if (named.has(String(j)) && isCopy(i, j)) found.push(`${i} of ${j}`);
      index.add(String(i), sketch);
    }
    assert.ok(full.length >= 4 * (COPIES.length - 1), `${full.length} copies are there to be found`);
    assert.deepEqual(found, full);
  });

  it('names few honest ones, however small they are', () => {
    const index = new CopyIndex('secret');
    const small = Array.from({ length: 60 }, () => deltaOf(few(random, 200)));
    let named = 0;
    for (const [i, delta] of small.entries()) {
      const sketch = sketchIndices(delta, SECRET);
      named += index.candidates(sketch).size;
      index.add(String(i), sketch);
    }
    assert.ok(named < (60 * 59) / 2 / 50, `${named} of ${(60 * 59) / 2} pairs`);
    const copy = copyOf(small[7]!, random, { kept: 0.95, size: 1 });
    assert.ok(index.candidates(sketchIndices(copy, SECRET)).has('7'));
  });

  it('names few honest ones', () => {
    const index = new CopyIndex('secret');
    let named = 0;
    for (const [i, delta] of all.slice(0, 120).entries()) {
      const sketch = sketchIndices(delta, SECRET);
      named += index.candidates(sketch).size;
      index.add(String(i), sketch);
    }
    const shared = overlapOf(all[0]!, all[1]!).indexFraction;
    assert.ok(shared > 0.2 && shared < 0.4, `honest pairs share ${shared}`);
    assert.ok(named < (120 * 119) / 2 / 50, `${named} of ${(120 * 119) / 2} pairs`);
  });

  it('forgets what it is told to forget, and has everything once', () => {
    const index = new CopyIndex('secret');
    const sketch = sketchIndices(all[0]!, SECRET);
    for (const id of ['a', 'b', 'c', 'b']) index.add(id, sketch);
    assert.deepEqual([...index.candidates(sketch)].sort(), ['a', 'b', 'c']);
    index.delete('b');
    index.delete('unknown');
    assert.deepEqual([...index.candidates(sketch)].sort(), ['a', 'c']);
    index.keep(new Set(['c']));
    assert.deepEqual([...index.candidates(sketch)], ['c']);
    assert.deepEqual([index.size, index.has('c'), index.has('a')], [1, true, false]);
  });

  it('names everything for a delta without indices, and it for everybody', () => {
    const index = new CopyIndex('secret');
    index.add('sparse', sketchIndices(all[0]!, SECRET));
    const dense = sketchIndices({ indices: null, values: new Float32Array(ELEMENTS) }, SECRET);
    assert.deepEqual([...index.candidates(dense)], ['sparse']);
    index.add('dense', dense);
    assert.deepEqual([...index.candidates(sketchIndices(all[1]!, SECRET))], ['dense']);
  });
});
