/** @file What a person reads of a run: CSV that comes back, a picture with the right places, words as they come. */
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { openTokenizer } from '@alice/model';
import { makeFolder, writing } from './localRunError.js';
import { lossPlot } from './lossPlot.js';
import { type LossRow, lossCsv, parseLossCsv } from './lossRecord.js';
import { streamText } from './streamText.js';
import { duration, progressLine } from './trainView.js';

const rows: LossRow[] = Array.from({ length: 100 }, (_, i) => ({
  ...{ step: i + 1, tokens: (i + 1) * 1024, learningRate: 1e-3, lossNats: 8 - 0.05 * i, gradNormL2: 1.5 },
  ...{ elapsedSeconds: (i + 1) / 8, ...(i % 50 === 49 ? { heldOutNats: 6 } : {}) },
}));

test('CSV comes back, also when its last line is not whole or a step was skipped', () => {
  const text = lossCsv([...rows, { ...rows[0]!, step: 101, lossNats: Number.NaN }]);
  const back = parseLossCsv(text);
  assert.deepEqual(
    back.slice(0, 100),
    rows.map((row) => ({ ...row, lossNats: Number(row.lossNats.toFixed(6)) })),
  );
  assert.ok(Number.isNaN(back[100]!.lossNats));
  assert.equal(parseLossCsv(text.slice(0, -9)).length, 100);
});

test('the picture has each step where it belongs: straight down, from the left edge to the right', () => {
  const svg = lossPlot(rows, { title: 'a < b', uniformNats: Math.log(4096) });
  assert.match(svg, /a &lt; b/);
  const [points] = [...svg.matchAll(/points="([^"]*)"/g)].map(([, list]) =>
    list!.split(' ').map((p) => p.split(',').map(Number)),
  );
  assert.equal(points!.length, 100);
  const [[x0, y0], [x1, y1]] = [points![0]!, points![99]!] as [[number, number], [number, number]];
  const [xm, ym] = points![50] as [number, number];
  assert.ok(x1 > x0 && y1 > y0, 'a falling loss goes down the picture');
  assert.ok(
    Math.abs((ym - y0) / (y1 - y0) - 50 / 99) < 0.01 && Math.abs((xm - x0) / (x1 - x0) - 50 / 99) < 0.01,
  );
  assert.equal([...svg.matchAll(/<circle/g)].length, 2);
});

test('rate and time left follow from the time of this start', () => {
  const row: LossRow = { ...rows[0]!, step: 60, lossNats: 5.25, elapsedSeconds: 25 };
  const from = { step: 40, elapsedSeconds: 20 };
  const line = progressLine(row, { steps: 100, from, tokensPerStep: 1000, quiet: false }, 5.5);
  assert.match(line, /step 60\/100 .*5\.2500.* held-out 5\.5000 {2}4000 tok\/s .* 10s left/);
  assert.deepEqual([59.6, 61, 3600, 7325].map(duration), ['1m 0s', '1m 1s', '1h 0m', '2h 2m']);
});

test('characters that span tokens come whole, and nothing is lost', async () => {
  const tokenizer = await openTokenizer('gpt2-1024');
  const text = 'naïve 東京 🧑‍🚀 ok';
  const stream = streamText(tokenizer);
  const pieces = [...tokenizer.encode(text)].map((token) => stream.push(token));
  assert.ok(pieces.every((piece) => !piece.includes('\ufffd')));
  assert.equal(pieces.join('') + stream.end(), text);
  const cut = streamText(tokenizer);
  const [firstByte] = tokenizer.encode('東');
  assert.equal(cut.push(firstByte!) + cut.end(), '\ufffd');
});

test('a full disk and a folder that cannot be written are told in a code', (t) => {
  if (!existsSync('/dev/full')) return t.skip('this system has no /dev/full');
  assert.throws(() => writing('loss.csv', () => writeFileSync('/dev/full', 'x')), {
    info: { code: 'RUN_DISK_FULL', file: 'loss.csv' },
  });
  assert.throws(() => writing('run', () => makeFolder('/dev/full/deeper/run')), {
    info: { code: 'RUN_UNWRITABLE', file: 'run', reason: 'ENOTDIR' },
  });
  assert.throws(() => makeFolder('/proc/alice/run'), { code: 'ENOENT' });
});
