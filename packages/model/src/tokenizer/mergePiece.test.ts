import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { mergeByHeap, mergeByScan } from './mergePiece.js';
import { buildPairTable, NO_MERGE } from './pairTable.js';

/** A table over a, b, c in which a merge can open a pair of lower rank. */
const table = ['a', 'b', 'c', 'abc', 'ab', 'bc', 'cab', 'aa', 'aaa', 'abab', 'ca'];

it('a pair merges exactly when its joined bytes are in the table', () => {
  const pairs = buildPairTable(table);
  for (const [left, leftBytes] of table.entries())
    for (const [right, rightBytes] of table.entries()) {
      const id = table.indexOf(leftBytes + rightBytes);
      assert.equal(pairs.find(left, right), id < 0 ? NO_MERGE : id, `${leftBytes}+${rightBytes}`);
    }
});

it('the scan and the heap merge alike, and merge leftmost first', () => {
  const pairs = buildPairTable(table);
  const merged = (merge: typeof mergeByScan, text: string): string[] => {
    const ids = Uint16Array.from(text, (c) => table.indexOf(c));
    return [...ids.subarray(0, merge(ids, pairs))].map((id) => table[id]!);
  };
  assert.deepEqual(merged(mergeByScan, 'aaaa'), ['aa', 'aa']);
  assert.deepEqual(merged(mergeByHeap, 'aaaaa'), ['aa', 'aaa']);
  fc.assert(
    fc.property(fc.stringMatching(/^[abc]{0,60}$/), (text) => {
      assert.deepEqual(merged(mergeByHeap, text), merged(mergeByScan, text));
      assert.equal(merged(mergeByHeap, text).join(''), text);
    }),
    { numRuns: 2000 },
  );
});
