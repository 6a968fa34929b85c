/**
 * @file The text column of a parquet file, row group by row group, through `hyparquet`. Needs the file on disk: a parquet
 * file is read from its end. Memory: the text column of one row group.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { type AsyncBuffer, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { unreadable } from './readText.js';
import { broken } from './ZstdDecoder.js';

export interface TextRow {
  /** Not a text: the row is no document. */
  readonly text: unknown;
  /** Number of the row in the file, from 0. */
  readonly row: number;
}

/** Throws `SOURCE_BROKEN` with the place of the row group that cannot be read, `SOURCE_UNREADABLE`. */
export async function* parquetTexts(
  address: string,
  { path, column }: { readonly path: string; readonly column: string },
): AsyncGenerator<TextRow[]> {
  const handle = await open(address).catch((cause) => {
    throw unreadable(address, cause);
  });
  try {
    const file = await bufferOf(handle);
    const metadata = await parquetMetadataAsync(file).catch((cause: unknown) => {
      throw broken(
        path,
        file.byteLength,
        `no parquet footer (${(cause as Error).message}): the file is cut off`,
        cause,
      );
    });
    if (!metadata.schema.some(({ name }) => name === column))
      throw broken(path, 0, `there is no column '${column}'`);
    let first = 0;
    for (const group of metadata.row_groups) {
      const rowEnd = first + Number(group.num_rows);
      const rows = await parquetReadObjects({
        file,
        metadata,
        compressors,
        columns: [column],
        rowStart: first,
        rowEnd,
      }).catch((cause: unknown) => {
        const at = Number(group.columns[0]?.meta_data?.data_page_offset ?? 0);
        throw broken(path, at, `row group from row ${first}: ${(cause as Error).message}`, cause);
      });
      const start = first;
      yield rows.map((row, i) => ({ text: row[column], row: start + i }));
      first = rowEnd;
    }
  } finally {
    await handle.close();
  }
}

async function bufferOf(handle: FileHandle): Promise<AsyncBuffer> {
  const byteLength = (await handle.stat()).size;
  return {
    byteLength,
    async slice(start, end = byteLength) {
      const bytes = new Uint8Array(Math.max(0, end - start));
      for (let done = 0; done < bytes.length; ) {
        const { bytesRead } = await handle.read(bytes, done, bytes.length - done, start + done);
        if (bytesRead === 0) throw new Error(`the file ends before byte ${end}`);
        done += bytesRead;
      }
      return bytes.buffer;
    },
  };
}
