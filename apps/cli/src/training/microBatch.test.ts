/** @file Rows computed at once: a divisor of the step's, as asked for, or few where rows are long. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { microBatchOf } from './microBatch.js';

test('long rows are computed fewer at once on the processor, where nothing else is asked for', () => {
  const rows = (sequenceLength: number, onProcessor: boolean): number =>
    microBatchOf({ rows: 8, sequenceLength, onProcessor });
  const lengths = [16, 128, 200, 256, 512, 1024, 4096];
  assert.deepEqual(
    lengths.map((length) => rows(length, true)),
    [8, 8, 4, 4, 2, 1, 1],
  );
  assert.deepEqual(
    lengths.map((length) => rows(length, false)),
    lengths.map(() => 8),
  );
});

test('what is asked for counts as far as it divides the step', () => {
  const asked = (rows: number, microBatch: number): number =>
    microBatchOf({ rows, microBatch, sequenceLength: 1024, onProcessor: true });
  assert.deepEqual([asked(8, 8), asked(8, 100), asked(12, 5), asked(7, 3), asked(1, 1)], [8, 8, 4, 1, 1]);
});
