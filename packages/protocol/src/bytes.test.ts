/** @file Byte strings against Node's Buffer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bytesOf, compareBytes, concatBytes, equalBytes, fromHex, toHex, utf8 } from './bytes.js';
import { errorCodeOf } from './errors.js';

const bytes = fc.uint8Array({ maxLength: 40 });

test('hex is what Buffer writes, with its prefix, and reads back in either case, with or without prefix', () => {
  fc.assert(
    fc.property(bytes, (value) => {
      const hex = Buffer.from(value).toString('hex');
      assert.equal(toHex(value), `0x${hex}`);
      for (const text of [hex, `0x${hex}`, hex.toUpperCase()]) assert.deepEqual(fromHex(text), value);
    }),
  );
});

test('what is not hex is refused', () => {
  for (const text of ['0', '0x0', 'zz', '0xzz', ' 00', '00 ', '0x0x00', '-1', '0X00'])
    assert.throws(
      () => fromHex(text),
      (error) => errorCodeOf(error) === 'HEX_INVALID',
      text,
    );
});

test('joining, equality and order are those of Buffer', () => {
  fc.assert(
    fc.property(bytes, bytes, bytes, (a, b, c) => {
      assert.deepEqual(concatBytes(a, b, c), new Uint8Array(Buffer.concat([a, b, c])));
      assert.equal(equalBytes(a, b), Buffer.from(a).equals(b));
      assert.ok(equalBytes(a, a.slice()));
      assert.equal(compareBytes(a, b), Buffer.compare(a, b));
      assert.equal(compareBytes(a, concatBytes(a, Uint8Array.of(0))), -1, 'a prefix comes first');
    }),
  );
});

test('the bytes of a view share its memory and its bounds', () => {
  const words = Uint16Array.of(1, 0x0203, 0x0405, 6);
  const view = bytesOf(words.subarray(1, 3));
  assert.equal(view.length, 4);
  words[1] = 0xffff;
  assert.deepEqual([view[0], view[1]], [255, 255]);
});

test('UTF-8 round-trips; bytes that are not UTF-8 are refused, not replaced', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) =>
      assert.equal(utf8.decode(utf8.encode(text)), text),
    ),
  );
  for (const invalid of [[0xff], [0xc3], [0xed, 0xa0, 0x80]])
    assert.throws(() => utf8.decode(Uint8Array.from(invalid)), TypeError);
});
