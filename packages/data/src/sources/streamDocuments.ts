/**
 * @file The documents of one listed file with their places in it, in order, a batch at a time. A line or row is one
 * document; a .txt file is cut at its borders. Places: bytes of the unpacked file for JSON lines; bytes of the text with
 * "\n" line ends for .txt; rows for parquet. What is no document is a fault: it is reported, and what follows depends
 * on the caller; a file that is broken inside gives what comes before the break.
 */
import { DataError } from '../errors.js';
import { DocumentSplitter } from './DocumentSplitter.js';
import { HALF_PAIR, isWellFormed } from './isWellFormed.js';
import { type JsonLine, jsonLines, type LineOptions, lineFault } from './jsonLines.js';
import type { ListedFile } from './ListedFile.js';
import { openBytes } from './openBytes.js';
import { diskBytes, openParquet } from './openParquet.js';
import { NOT_UTF8, parquetTexts } from './parquetTexts.js';
import { normalizedPieces, withLineFeeds } from './readText.js';

export interface SourceDocument {
  readonly text: string;
  /** First place, and the place after the last. */
  readonly from: number;
  readonly to: number;
}

export interface ReadingOptions extends LineOptions {
  /** Field or column that holds the text. */
  readonly textField: string;
  /** The most UTF-16 units of a document of a .txt file. */
  readonly documentLimit: number;
  /** Where a parquet file from the web lies on disk. */
  readonly localCopy?: string;
  /** Called with the bytes that a parquet file from the web is read in; other formats count in `account`. */
  readonly onParquetBytes?: (added: number) => void;
}

/** Throws what `onFault` throws and the faults of the network or disk, which no skipping helps. */
export async function* streamDocuments(
  file: ListedFile,
  options: ReadingOptions,
): AsyncGenerator<SourceDocument[]> {
  try {
    for await (const batch of readers[file.format](file, options)) {
      const documents = batch.filter(({ text }) => text.trim() !== '');
      if (documents.length > 0) yield documents;
    }
  } catch (error) {
    if (!(error instanceof DataError) || (error.code !== 'SOURCE_BROKEN' && error.code !== 'TEXT_NOT_UTF8'))
      throw error;
    options.onFault(error);
  }
}

type Reader = (file: ListedFile, options: ReadingOptions) => AsyncIterable<SourceDocument[]>;

const readers: { readonly [K in ListedFile['format']]: Reader } = {
  jsonl: (file, options) => jsonLines(file, options, (line) => documentOfLine(line, file.path, options)),
  async *text(file, { account, access, documentLimit }) {
    const splitter = new DocumentSplitter(documentLimit);
    let at = 0;
    const placed = (text: string): SourceDocument => {
      const from = at;
      at += Buffer.byteLength(text);
      return { text, from, to: at };
    };
    for await (const piece of normalizedPieces(openBytes(file, account, access), file.path))
      yield splitter.push(piece).map(placed);
    yield splitter.finish().map(placed);
  },
  async *parquet(file, options) {
    const { textField, onFault, localCopy, access, onParquetBytes } = options;
    const bytes =
      localCopy === undefined ? await openParquet(file, access, onParquetBytes) : await diskBytes(localCopy);
    try {
      for await (const rows of parquetTexts(bytes, { path: file.path, column: textField }))
        yield rows.flatMap(({ text, row }) => {
          if (typeof text === 'string') return [{ text: withLineFeeds(text), from: row, to: row + 1 }];
          const reason = text === NOT_UTF8 ? 'is not UTF-8' : 'holds no text';
          onFault(lineFault(file.path, { number: row + 1, from: row }, `column '${textField}' ${reason}`));
          return [];
        });
    } finally {
      await bytes.close();
    }
  },
};

function documentOfLine(line: JsonLine, path: string, options: ReadingOptions): SourceDocument[] {
  const text = textOf(line.json, options.textField);
  if (text !== null && isWellFormed(text))
    return [{ text: withLineFeeds(text), from: line.from, to: line.to }];
  const reason = text === null ? `no JSON object with a text '${options.textField}'` : HALF_PAIR;
  options.onFault(lineFault(path, line, reason));
  return [];
}

function textOf(json: string, field: string): string | null {
  try {
    const value = JSON.parse(json) as Record<string, unknown> | null;
    const text =
      typeof value === 'object' && value !== null && Object.hasOwn(value, field) ? value[field] : null;
    return typeof text === 'string' ? text : null;
  } catch {
    return null;
  }
}
