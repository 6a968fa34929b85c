/** @file The record and what is drawn from it: rows survive the CSV; a plot holds every point and escapes names. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RoundRow } from '../experiments/Experiment.js';
import { parseCsv, toCsv } from './csv.js';
import { svgOf } from './svg.js';

const row: RoundRow = {
  arm: 'work/copy',
  round: 3,
  lossNats: 4.25,
  tokens: 8192,
  uplinkBytes: 12_345,
  applied: 1,
  honestSent: 7,
  honestAccepted: 7,
  honestSteps: 28,
  honestPaidNats: 0.125,
  hostileSent: 3,
  hostileAccepted: 0,
  hostileSteps: 0,
  hostilePaidNats: 0,
  honestCovered: '0.93 1.00',
  hostileCovered: '',
  refusals: 'x COPY:3',
  stateRoot: 'ab'.repeat(32),
};

test('rows come back from the CSV as they went in', () => {
  const rows = [row, { ...row, arm: 'gate/none', round: 4, refusals: '', lossNats: 3.5 }];
  assert.deepEqual(parseCsv(toCsv(rows)), rows);
});

test('a line plot puts the lowest value at the bottom, the highest at the top, and escapes names', () => {
  const svg = svgOf({
    kind: 'lines',
    title: 'a < b & c',
    x: 'x',
    y: 'y',
    lines: [
      {
        label: 'one',
        points: [
          [0, 1],
          [10, 3],
          [20, 2],
        ],
      },
    ],
  });
  assert.match(svg, /a &lt; b &amp; c/);
  assert.match(svg, /points="64,372 317,40 570,206"/);
});

test('bars are in proportion', () => {
  const svg = svgOf({
    kind: 'bars',
    title: 't',
    unit: '×',
    bars: [
      { label: 'a', values: [{ series: 's', value: 2 }] },
      { label: 'b', values: [{ series: 's', value: 1 }] },
    ],
  });
  const widths = [...svg.matchAll(/<rect x="150" y="\d+" width="(\d+)"/g)].map(([, width]) => Number(width));
  assert.deepEqual(widths, [420, 210]);
});
