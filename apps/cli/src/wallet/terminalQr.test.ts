/** @file The characters of a terminal QR code are its modules, two rows in a line, with the margin that cameras need. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { qrModules, terminalQr } from './terminalQr.js';

const ADDRESS = '7kTvJ2tXwP1R7dhWtyPfUD1DzUV9YtJBvr3UqQmV8nYs9uFd';
const MARGIN = 4;

test('half blocks carry every module and a white margin', () => {
  const modules = qrModules(ADDRESS);
  const lines = terminalQr(ADDRESS).map(stripVTControlCharacters);
  const drawn = lines.flatMap((line) => [
    [...line].map((character) => character === '▀' || character === '█'),
    [...line].map((character) => character === '▄' || character === '█'),
  ]);
  const width = modules.length + 2 * MARGIN;
  assert.ok(lines.every((line) => [...line].length === width));
  assert.equal(drawn.flat().filter(Boolean).length, modules.flat().filter(Boolean).length);
  modules.forEach((row, y) => {
    row.forEach((isDark, x) => {
      assert.equal(drawn[y + MARGIN]![x + MARGIN], isDark, `module ${x}, ${y}`);
    });
  });
});

test('it is a QR code: the three finder patterns are there, and another text is another code', () => {
  const modules = qrModules(ADDRESS);
  const last = modules.length - 7;
  for (const [top, left] of [
    [0, 0],
    [0, last],
    [last, 0],
  ] as const)
    for (let i = 0; i < 7; i++) {
      assert.ok(modules[top]![left + i] && modules[top + 6]![left + i], 'upper and lower edge');
      assert.ok(modules[top + i]![left] && modules[top + i]![left + 6], 'left and right edge');
      assert.equal(modules[top + 1]![left + i], i === 0 || i === 6, 'white inside the edge');
    }
  assert.notDeepEqual(qrModules(`${ADDRESS}x`), modules);
});
