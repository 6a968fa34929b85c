/** @file Where the words of a phrase stand on terminals of different widths. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { phraseLines } from './phraseLines.js';

const PHRASE = 'snake account enemy bird top trick hard boring theme foam eager secret';

test('every word is whole and in its place, however narrow the terminal', () => {
  for (const columns of [10, 24, 40, 60, 80, 200]) {
    const lines = phraseLines(PHRASE, columns).map(stripVTControlCharacters);
    assert.equal(lines.map((line) => line.trim()).join(' '), PHRASE, `${columns} columns`);
    assert.ok(
      lines.every((line) => line.length < columns),
      `${columns} columns`,
    );
  }
  assert.equal(phraseLines(PHRASE, 200).length, 1);
  assert.equal(phraseLines(PHRASE, 40).length, 2);
});
