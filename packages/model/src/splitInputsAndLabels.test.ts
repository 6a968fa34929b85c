/** @file MODEL-3: the label of a position is the next token, once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { splitInputsAndLabels } from './splitInputsAndLabels.js';

test('two rows of three predictions', () => {
  const tokens = Uint16Array.of(1, 2, 3, 4, 5, 6, 7, 8);
  assert.deepEqual(splitInputsAndLabels(tokens, { sequenceLength: 3, vocab: 9 }), {
    rows: 2,
    inputs: Int32Array.of(1, 2, 3, 5, 6, 7),
    labels: Int32Array.of(2, 3, 4, 6, 7, 8),
  });
});

test('for any rows, input t + 1 is label t, and each row is its inputs and its last label', () => {
  const rows = fc.array(fc.array(fc.nat(99), { minLength: 5, maxLength: 5 }), { maxLength: 6 });
  fc.assert(
    fc.property(rows, (wanted) => {
      const { inputs, labels } = splitInputsAndLabels(Uint16Array.from(wanted.flat()), {
        sequenceLength: 4,
        vocab: 100,
      });
      const again = wanted.map((_, row) => [...inputs.subarray(4 * row, 4 * row + 4), labels[4 * row + 3]!]);
      assert.deepEqual(again, wanted);
      for (let i = 0; i < inputs.length; i++) if (i % 4 !== 3) assert.equal(labels[i], inputs[i + 1]);
    }),
  );
});

test('ragged rows, a wrong number of rows and foreign tokens are refused', () => {
  const split = (length: number, rows?: number) => () =>
    splitInputsAndLabels(new Uint16Array(length), { sequenceLength: 3, vocab: 9, ...(rows && { rows }) });
  assert.throws(split(7), { info: { code: 'TOKENS_RAGGED', length: 7, rowLength: 4 } });
  assert.throws(split(8, 3), { info: { code: 'TOKENS_RAGGED', length: 8, rowLength: 4 } });
  assert.throws(() => splitInputsAndLabels(Uint16Array.of(0, 9), { sequenceLength: 1, vocab: 9 }), {
    info: { code: 'TOKEN_OUT_OF_RANGE', token: 9, vocab: 9, position: 1 },
  });
});
