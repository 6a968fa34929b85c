import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import type { DataErrorInfo } from '../errors.js';
import { temporaryFolder } from '../testing/temporaryFolder.js';
import { DocumentSplitter } from './DocumentSplitter.js';
import { documentsOf } from './documentsOf.js';
import { ReadAccount } from './openBytes.js';
import type { SourceFileKind } from './SourceFile.js';

const unit = fc.constantFrom('a', 'bc', ' ', '. ', '\n', '\n\n', '\n\n\n', '🐋', 'word ');

it('cuts nothing away, keeps to the limit, never splits a character, whatever the pieces', () => {
  fc.assert(
    fc.property(
      fc.array(unit, { maxLength: 80 }),
      fc.integer({ min: 16, max: 40 }),
      fc.nat(200),
      (units, limit, cut) => {
        const text = units.join('');
        const split = (pieces: readonly string[]): string[] => {
          const splitter = new DocumentSplitter(limit);
          return [...pieces.flatMap((piece) => splitter.push(piece)), ...splitter.finish()];
        };
        const documents = split([text]);
        assert.equal(documents.join(''), text);
        for (const document of documents) {
          assert.ok(document.length > 0 && document.length <= limit);
          assert.equal(Buffer.from(document).toString(), document);
        }
        assert.deepEqual(split([text.slice(0, cut), text.slice(cut)]), documents);
      },
    ),
    { numRuns: 3000 },
  );
});

it('prefers a blank line to a line end to a sentence end to a blank', () => {
  const first = (text: string): string | undefined => new DocumentSplitter(20).push(text)[0];
  assert.equal(first('aaaa bbb\n\ncc\nd. e fghijklm'), 'aaaa bbb\n\n');
  assert.equal(first('aaaa bbb\ncc dd. e fghijklm'), 'aaaa bbb\n');
  assert.equal(first('aaaa bbb. cc dd e fghijklm'), 'aaaa bbb. ');
  assert.equal(first('aaaa bbb, cc dd efghijklm'), 'aaaa bbb, cc dd ');
  assert.equal(first('a'.repeat(30)), 'a'.repeat(20));
  assert.equal(first(`\n\n${'a'.repeat(9)} ${'b'.repeat(20)}`), `\n\n${'a'.repeat(9)} `);
});

async function read(
  path: string,
  kind: SourceFileKind,
): Promise<{ documents: string[]; faults: DataErrorInfo[] }> {
  const documents: string[] = [];
  const faults: DataErrorInfo[] = [];
  const options = {
    documentLimit: 64,
    lineLimitBytes: 1000,
    account: new ReadAccount(),
    onInvalidLine: (error: { info: DataErrorInfo }) => faults.push(error.info),
  };
  for await (const document of documentsOf({ path, absolutePath: path, kind }, options))
    documents.push(document);
  return { documents, faults };
}

it('reads JSON lines: one document a line, long ones cut, faults by line number', async (t) => {
  const long = `${'p'.repeat(40)}\n\n${'q'.repeat(40)}`;
  const lines = [
    '{"text":"one\\r\\ntwo","id":1}',
    '',
    '{"text":7}',
    '{"text":',
    '["text"]',
    'null',
    JSON.stringify({ text: long }),
    '{"text":" "}',
  ];
  const path = `${temporaryFolder(t, { 'a.jsonl': lines.join('\r\n') })}/a.jsonl`;
  const { documents, faults } = await read(path, 'jsonl');
  assert.deepEqual(documents, ['one\ntwo', `${'p'.repeat(40)}\n\n`, 'q'.repeat(40)]);
  assert.deepEqual(
    faults.map((info) => info.code === 'JSON_LINE_INVALID' && [info.line, info.reason]),
    [
      [3, "no string field 'text'"],
      [4, 'not JSON'],
      [5, "no string field 'text'"],
      [6, "no string field 'text'"],
    ],
  );
});

it('keeps a whole document whole and passes over blank ones', async (t) => {
  const dir = temporaryFolder(t, { 'long.txt': 'x '.repeat(100), 'blank.txt': ' \n\t' });
  assert.deepEqual((await read(`${dir}/long.txt`, 'document')).documents, ['x '.repeat(100)]);
  assert.equal((await read(`${dir}/long.txt`, 'text')).documents.length, 4);
  assert.deepEqual((await read(`${dir}/blank.txt`, 'text')).documents, []);
});
