/**
 * @file The text column of a parquet file, row group by row group, through `hyparquet`. A parquet file is read from its
 * end, then only the columns wanted: from disk, or with Range requests from the web. Memory: those columns of one row group.
 */
import { isUtf8 } from 'node:buffer';
import { type FileMetaData, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { DataError } from '../errors.js';
import { checkedChunks } from './checkedChunks.js';
import type { ParquetBytes } from './openParquet.js';
import { broken } from './ZstdDecoder.js';

/** Stands for a text that is not UTF-8: what cannot be read is never guessed. */
export const NOT_UTF8 = Symbol('not UTF-8');

const parsers = {
  stringFromBytes: (bytes: Uint8Array | undefined) =>
    bytes &&
    (isUtf8(bytes) ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString() : NOT_UTF8),
};

export interface TextRow {
  /** Not a text: the row is no document. */
  readonly text: unknown;
  /** Number of the row in the file, from 0. */
  readonly row: number;
}

export interface ParquetRows {
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  /** Number of the first one in the file. */
  readonly first: number;
}

/** Throws `SOURCE_BROKEN` with the place of the row group that cannot be read, and what reading the bytes throws. */
export async function* parquetTexts(
  file: ParquetBytes,
  { path, column }: { readonly path: string; readonly column: string },
): AsyncGenerator<TextRow[]> {
  const wanted = (names: readonly string[]): string[] => {
    if (names.includes(column)) return [column];
    throw broken(path, 0, `there is no column '${column}' (there are: ${names.join(', ').slice(0, 200)})`);
  };
  for await (const { rows, first } of parquetRows(file, path, wanted))
    yield rows.map((row, i) => ({ text: row[column], row: first + i }));
}

/** Rows with the columns that `wanted` picks from the names of the file's own. Throws as `parquetTexts` does. */
export async function* parquetRows(
  file: ParquetBytes,
  path: string,
  wanted: (names: readonly string[]) => string[],
): AsyncGenerator<ParquetRows> {
  const metadata = await metadataOf(file, path);
  const columns = wanted(topLevelNames(metadata));
  let first = 0;
  for (const group of metadata.row_groups) {
    const rowEnd = first + Number(group.num_rows);
    const read = async (): Promise<Record<string, unknown>[]> => {
      const chunks = await checkedChunks(file, path, group, columns);
      return parquetReadObjects({
        file: chunks,
        metadata,
        compressors,
        parsers,
        columns,
        rowStart: first,
        rowEnd,
      });
    };
    const rows = await read().catch((cause: unknown) => {
      if (cause instanceof DataError) throw cause;
      const at = Number(group.columns[0]?.meta_data?.data_page_offset ?? 0);
      throw broken(path, at, `row group from row ${first}: ${(cause as Error).message}`, cause);
    });
    yield { rows, first };
    first = rowEnd;
  }
}

async function metadataOf(file: ParquetBytes, path: string): Promise<FileMetaData> {
  try {
    return await parquetMetadataAsync(file);
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    const reason = `no parquet footer (${(cause as Error).message}): the file is cut off`;
    throw broken(path, file.byteLength, reason, cause);
  }
}

/** Names of the columns as rows have them; a nested column counts once. */
function topLevelNames({ schema }: FileMetaData): string[] {
  const names: string[] = [];
  let at = 1;
  const end = (i: number): number => {
    let next = i + 1;
    for (let child = 0; child < (schema[i]!.num_children ?? 0); child++) next = end(next);
    return next;
  };
  while (at < schema.length) {
    names.push(schema[at]!.name);
    at = end(at);
  }
  return names;
}
