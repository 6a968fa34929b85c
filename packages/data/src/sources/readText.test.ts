import assert from 'node:assert/strict';
import { isUtf8 } from 'node:buffer';
import { it } from 'node:test';
import fc from 'fast-check';
import { temporaryFolder } from '../testing/temporaryFolder.js';
import { firstInvalidByte, unfinishedLength } from './firstInvalidByte.js';
import { normalizedPieces, readBytes, Utf8Chunks } from './readText.js';

/** Bytes near the borders of the encoding, where mistakes are. */
const edgy = fc.array(
  fc.oneof(
    fc.constantFrom(
      0,
      0x7f,
      0x80,
      0x8f,
      0x90,
      0x9f,
      0xa0,
      0xbf,
      0xc0,
      0xc1,
      0xc2,
      0xdf,
      0xe0,
      0xed,
      0xef,
      0xf0,
      0xf4,
      0xf5,
      0xff,
    ),
    fc.constantFrom(...Buffer.from('é海🐋\ud7ff\ue000')),
  ),
  { maxLength: 12 },
);

it('finds the first invalid byte: what is before it is UTF-8, what begins there is not', () => {
  fc.assert(
    fc.property(edgy, (values) => {
      const bytes = Uint8Array.from(values);
      const at = firstInvalidByte(bytes);
      assert.equal(at === -1, isUtf8(bytes));
      if (at < 0) return;
      assert.ok(isUtf8(bytes.subarray(0, at)));
      for (let length = 1; length <= Math.min(4, bytes.length - at); length++)
        assert.ok(!isUtf8(bytes.subarray(at, at + length)), `length ${length}`);
    }),
    { numRuns: 20_000 },
  );
  assert.deepEqual(
    [[0xc3], [0x61, 0xc3], [0xe6, 0xb5], [0xf0, 0x9f, 0x90], [0x80]].map((b) =>
      unfinishedLength(Uint8Array.from(b)),
    ),
    [1, 1, 2, 3, 0],
  );
});

it('gives the same text and the same fault offset however the bytes are cut into chunks', () => {
  const outcome = (parts: readonly Uint8Array[]): unknown => {
    const chunks = new Utf8Chunks('file');
    let text = '';
    try {
      for (const part of parts) text += chunks.push(part).toString();
      chunks.finish();
      return text;
    } catch (error) {
      return (error as { info: unknown }).info;
    }
  };
  const bytes = fc.oneof(
    edgy,
    fc.string({ unit: 'grapheme' }).map((s) => [...Buffer.from(s)]),
  );
  fc.assert(
    fc.property(bytes, fc.array(fc.nat(12), { maxLength: 5 }), (values, cuts) => {
      const all = Uint8Array.from(values);
      const at = [0, ...cuts.map((c) => Math.min(c, all.length)).sort((a, b) => a - b), all.length];
      const parts = at.slice(1).map((end, i) => all.subarray(at[i]!, end));
      const byteOffset = firstInvalidByte(all);
      const expected =
        byteOffset < 0 ? Buffer.from(all).toString() : { code: 'TEXT_NOT_UTF8', path: 'file', byteOffset };
      assert.deepEqual(outcome(parts), expected);
    }),
    { numRuns: 5000 },
  );
});

const textOf = (path: string): AsyncGenerator<string> => normalizedPieces(readBytes(path), path);

it('takes a byte order mark off, makes line ends "\\n" across chunk borders, and changes nothing else', async (t) => {
  const long = `${'x'.repeat((1 << 20) - 4)}\r\n y\r\rz \u0085\u2028\ufeff\t\r`;
  const dir = temporaryFolder(t, { 'a.txt': `\ufeff${long}` });
  let text = '';
  for await (const part of textOf(`${dir}/a.txt`)) text += part;
  assert.equal(text, long.replaceAll('\r\n', '\n').replaceAll('\r', '\n'));
});

it('names file and byte of what is not UTF-8, and recognises UTF-16', async (t) => {
  const dir = temporaryFolder(t, {
    'latin1.txt': Buffer.from('caf\xe9 au lait', 'latin1'),
    'utf16.txt': Buffer.from('\ufeffhello', 'utf16le'),
  });
  const drain = async (name: string): Promise<void> => {
    for await (const _ of textOf(`${dir}/${name}`));
  };
  await assert.rejects(drain('latin1.txt'), {
    info: { code: 'TEXT_NOT_UTF8', path: `${dir}/latin1.txt`, byteOffset: 3 },
  });
  await assert.rejects(drain('utf16.txt'), /looks like UTF-16/);
});
