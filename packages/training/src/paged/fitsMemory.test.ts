import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parameterCount, presets } from '@alice/model';
import { liesOnDisk, SCORING_BYTES, TRAINING_BYTES } from './fitsMemory.js';

const GIB = 2 ** 30;

test('weights lie in a file where the model is large and memory short, or where told', () => {
  const onDisk = (preset: keyof typeof presets, bytesPerParameter: number, gib: number): boolean =>
    liesOnDisk('auto', parameterCount(presets[preset]), { bytesPerParameter, memoryBytes: gib * GIB });
  assert.deepEqual(
    [onDisk('7b', TRAINING_BYTES, 128), onDisk('7b', SCORING_BYTES, 128), onDisk('7b', TRAINING_BYTES, 256)],
    [true, false, false],
  );
  assert.deepEqual([onDisk('1b', TRAINING_BYTES, 24), onDisk('1b', SCORING_BYTES, 24)], [true, false]);
  assert.equal(onDisk('100m', TRAINING_BYTES, 2), false, 'its network trains in memory alone');
  const small = { bytesPerParameter: TRAINING_BYTES, memoryBytes: GIB };
  assert.deepEqual([liesOnDisk('disk', 1, small), liesOnDisk('memory', 1e12, small)], [true, false]);
});
