/** @file What a miner shows while it downloads and trains: bars on a terminal, lines elsewhere, nothing as JSON. */
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import type { MinerEvent } from '@alice/miner';
import type { Logger } from '@alice/protocol';
import { minerView } from './minerView.js';

const MB = 1_000_000;
const download = (doneMb: number): MinerEvent => ({
  ...{ type: 'download', what: 'model', doneBytes: doneMb * MB, totalBytes: 40 * MB },
});
const step = (done: number): MinerEvent => ({
  ...{ type: 'step', step: done - 1, steps: 16, lossNats: 5, skipped: false },
});

function watch({ isTTY, quiet = false }: { isTTY: boolean; quiet?: boolean }) {
  const output = Object.assign(new PassThrough(), {
    ...{ isTTY, columns: 100, cursorTo: () => true, clearLine: () => true, moveCursor: () => true },
  });
  let nowMs = 0;
  const lines: string[] = [];
  const say = (message: string): void => void lines.push(message);
  const log: Logger = { debug: say, info: say, warn: say, error: say } as unknown as Logger;
  const view = minerView(log, { quiet, ports: { output, nowMs: () => nowMs } });
  return {
    lines,
    /** Each event three seconds after the one before. */
    play: (...events: readonly MinerEvent[]): string => {
      for (const event of events) {
        view(event);
        nowMs += 3_000;
      }
      return String(output.read() ?? '');
    },
  };
}

test('a download shows rate and time left; what is no terminal gets lines', () => {
  const { play, lines } = watch({ isTTY: false });
  const shown = play(download(0), download(12), download(24), download(40));
  assert.equal(
    shown,
    [
      '  downloading the model: 30% (12/40 MB, 4.0 MB/s, 7 s left)',
      '  downloading the model: 60% (24/40 MB, 4.0 MB/s, 4 s left)',
      '  downloading the model: 100% (40/40 MB, 4.4 MB/s, 0 s left)',
      '',
    ].join('\n'),
  );
  assert.deepEqual(lines, []);
});

test('a terminal also shows the steps of a task, and the bar ends before the next line', () => {
  const { play, lines } = watch({ isTTY: true });
  const shown = play(step(1), step(8), step(16), {
    ...{ type: 'submitted', taskId: 't', submissionId: 's', bytes: 5 },
  });
  assert.match(shown, /training .*50%.* 8\/16 steps/);
  assert.deepEqual(
    lines,
    ['Update sent: 1 kB', 'Update sent'],
    'a sentence; with --log-level debug also the figures',
  );
});

test('without a terminal steps are for debugging, and JSON has log lines alone', () => {
  const plain = watch({ isTTY: false });
  assert.equal(plain.play(step(1), step(8), step(16)), '');
  assert.deepEqual(plain.lines, ['Inner step', 'Inner step', 'Inner step']);
  const json = watch({ isTTY: false, quiet: true });
  assert.equal(json.play(download(0), download(12), download(40)), '');
});
