/** @file The laboratory's report is read as it is written, the committed one included. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseAttacks } from './parseAttacks.js';

test('the table and the assertions of a report', () => {
  const report =
    '# attacks\n\n| attack | pay |\n| --- | --- |\n| noise | 0.00× |\n\nAssertions: 2 of 2 hold.\n';
  assert.deepEqual(parseAttacks(report), {
    ...{ columns: ['attack', 'pay'], rows: [['noise', '0.00×']], assertions: 'Assertions: 2 of 2 hold.' },
  });
});

test('the report this page was built with has a row for each attack', () => {
  const file = fileURLToPath(new URL('../public/attacks.md', import.meta.url));
  assert.ok(existsSync(file), 'the build copies the report');
  const { columns, rows, assertions } = parseAttacks(readFileSync(file, 'utf8'));
  assert.ok(rows.length >= 10 && rows.every((row) => row.length === columns.length));
  assert.match(assertions, /\d+ of \d+ hold/);
});
