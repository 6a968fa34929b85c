/** @file The documents of one source file, one after the other, in the order of the file. */
import { DataError } from '../errors.js';
import { DocumentSplitter } from './DocumentSplitter.js';
import { readText, withLineFeeds } from './readText.js';
import type { FoundFile } from './SourceFile.js';

/** The longest line of a JSON lines file, UTF-16 units. */
const LINE_LIMIT = 1 << 26;

export interface DocumentOptions {
  /** The most UTF-16 units of a document; files of kind `document` are never cut. */
  readonly documentLimit: number;
  /** Called with the error of a line that is no document; may throw it. */
  readonly onInvalidLine: (error: DataError) => void;
}

/** Documents that hold more than white space. Throws `TEXT_NOT_UTF8`, `SOURCE_UNREADABLE`. */
export async function* documentsOf(file: FoundFile, options: DocumentOptions): AsyncGenerator<string> {
  for await (const document of readers[file.kind](file, options)) if (document.trim() !== '') yield document;
}

type Reader = (file: FoundFile, options: DocumentOptions) => AsyncIterable<string>;

const readers: { readonly [K in FoundFile['kind']]: Reader } = {
  async *document(file) {
    let whole = '';
    for await (const text of readText(file.absolutePath)) whole += text;
    yield whole;
  },
  async *text(file, { documentLimit }) {
    const splitter = new DocumentSplitter(documentLimit);
    for await (const text of readText(file.absolutePath)) yield* splitter.push(text);
    yield* splitter.finish();
  },
  async *jsonl(file, { documentLimit, onInvalidLine }) {
    const splitter = new DocumentSplitter(documentLimit);
    let number = 0;
    for await (const line of linesOf(file.absolutePath)) {
      number++;
      if (line.trim() === '') continue;
      const text = textOfLine(line);
      if (typeof text === 'string') yield* [...splitter.push(withLineFeeds(text)), ...splitter.finish()];
      else onInvalidLine(invalidLine(file.absolutePath, number, text.reason));
    }
  },
};

function textOfLine(line: string): string | { reason: string } {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return { reason: 'not JSON' };
  }
  const text = (value as { text?: unknown } | null)?.text;
  return typeof text === 'string' ? text : { reason: "no string field 'text'" };
}

async function* linesOf(path: string): AsyncGenerator<string> {
  let pending = '';
  let number = 1;
  for await (const text of readText(path)) {
    const lines = (pending + text).split('\n');
    pending = lines.pop()!;
    number += lines.length;
    if (pending.length > LINE_LIMIT) throw invalidLine(path, number, `longer than ${LINE_LIMIT} characters`);
    yield* lines;
  }
  yield pending;
}

function invalidLine(path: string, line: number, reason: string): DataError {
  return new DataError(
    { code: 'JSON_LINE_INVALID', path, line, reason },
    `${path}, line ${line}: ${reason}. Each line must be a JSON object with a string 'text'; ` +
      "correct the line, or build with onInvalid 'skip' to leave such lines out",
  );
}
