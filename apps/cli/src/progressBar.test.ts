/** @file What progress prints: rate and time left from the work of this run, nothing for quick or quiet work. */
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { createProgress, timeText } from './progressBar.js';

const MB = { unit: 'MB', quiet: false, scale: 1e-6 };

function watched(options = MB, isTTY = false) {
  let nowMs = 0;
  let text = '';
  const output = Object.assign(new PassThrough(), { isTTY });
  output.on('data', (part: Buffer) => (text += part.toString('utf8')));
  const progress = createProgress('copying', options, { output, nowMs: () => nowMs });
  const at = (ms: number, done: number, total: number): void => {
    nowMs = ms;
    progress.update(done, total);
  };
  return { at, progress, printed: () => text };
}

test('lines tell amount, rate and time left; what an earlier run did is no speed', () => {
  const { at, printed } = watched();
  at(0, 20e6, 100e6);
  at(4_000, 40e6, 100e6);
  assert.equal(printed(), '  copying: 40% (40/100 MB, 5.0 MB/s, 12 s left)\n');
  at(4_500, 41e6, 100e6);
  assert.equal(printed().split('\n').length, 2, 'no line for so little');
  at(8_000, 100e6, 100e6);
  assert.match(printed(), /100% \(100\/100 MB, 10 MB\/s, 0 s left\)\n$/);
});

test('quick and quiet work print nothing', () => {
  for (const [options, lastMs] of [
    [MB, 1_900],
    [{ ...MB, quiet: true }, 60_000],
  ] as const)
    for (const isTTY of [false, true]) {
      const { at, progress, printed } = watched(options, isTTY);
      at(0, 0, 10e6);
      at(lastMs, 10e6, 10e6);
      progress.stop();
      assert.equal(printed(), '');
    }
});

test('a terminal gets a bar with the same figures', () => {
  const { at, progress, printed } = watched(MB, true);
  at(0, 0, 100e6);
  at(5_000, 50e6, 100e6);
  progress.stop();
  assert.match(printed(), /copying .+ 50% {2}50\/100 MB, 10 MB\/s, 5 s left/);
});

test('times in words', () => {
  assert.deepEqual([0.4, 59, 61, 3_720].map(timeText), ['0 s', '59 s', '1 min 1 s', '1 h 2 min']);
});
