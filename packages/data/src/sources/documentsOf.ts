/** @file The documents of one source file of a whole build, one after the other, in the order of the file. */
import type { DataError } from '../errors.js';
import { DocumentSplitter } from './DocumentSplitter.js';
import { HALF_PAIR, isWellFormed } from './isWellFormed.js';
import { jsonLines, lineFault } from './jsonLines.js';
import type { ListedFile } from './ListedFile.js';
import { openBytes, type ReadAccount } from './openBytes.js';
import { normalizedPieces, withLineFeeds } from './readText.js';
import type { FoundFile } from './SourceFile.js';

export interface DocumentOptions {
  /** The most UTF-16 units of a document; files of kind `document` are never cut. */
  readonly documentLimit: number;
  /** The longest line of a JSON lines file. */
  readonly lineLimitBytes: number;
  /** Counts and hashes what is read. */
  readonly account: ReadAccount;
  /** Called with the error of a line that is no document; may throw it. */
  readonly onInvalidLine: (error: DataError) => void;
}

/** Documents that hold more than white space. Throws `TEXT_NOT_UTF8`, `SOURCE_UNREADABLE`. */
export async function* documentsOf(file: FoundFile, options: DocumentOptions): AsyncGenerator<string> {
  for await (const document of readers[file.kind](file, options)) if (document.trim() !== '') yield document;
}

type Reader = (file: FoundFile, options: DocumentOptions) => AsyncIterable<string>;

const readers: { readonly [K in FoundFile['kind']]: Reader } = {
  async *document(file, { account }) {
    let whole = '';
    for await (const text of textOf(file, account)) whole += text;
    yield whole;
  },
  async *text(file, { account, documentLimit }) {
    const splitter = new DocumentSplitter(documentLimit);
    for await (const text of textOf(file, account)) yield* splitter.push(text);
    yield* splitter.finish();
  },
  async *jsonl(file, { account, documentLimit, lineLimitBytes, onInvalidLine }) {
    const splitter = new DocumentSplitter(documentLimit);
    const onFault = (fault: DataError): void => {
      // The file was UTF-8 when the inventory was taken.
      if (fault.code === 'TEXT_NOT_UTF8') throw fault;
      onInvalidLine(fault);
    };
    const lines = jsonLines(
      listed(file, 'jsonl'),
      { account, access: {}, lineLimitBytes, onFault },
      (line) => {
        const text = textOfLine(line.json);
        if (typeof text === 'string') return [text];
        onInvalidLine(lineFault(file.absolutePath, line, text.reason));
        return [];
      },
    );
    for await (const texts of lines)
      for (const text of texts) yield* [...splitter.push(withLineFeeds(text)), ...splitter.finish()];
  },
};

function textOf(file: FoundFile, account: ReadAccount): AsyncGenerator<string> {
  return normalizedPieces(openBytes(listed(file, 'text'), account, {}), file.absolutePath);
}

/** The file as the readers of streams know it; named by its whole path in errors. */
function listed({ absolutePath }: FoundFile, format: 'text' | 'jsonl'): ListedFile {
  const location = { at: 'disk', address: absolutePath } as const;
  return { path: absolutePath, location, format, compression: 'none', bytes: -1, version: '', sha256: null };
}

function textOfLine(line: string): string | { reason: string } {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return { reason: 'not JSON' };
  }
  const text = (value as { text?: unknown } | null)?.text;
  if (typeof text !== 'string') return { reason: "no string field 'text'" };
  return isWellFormed(text) ? text : { reason: HALF_PAIR };
}
