/**
 * @file The column chunks of a parquet row group, read once, with the checksum of each page compared where its writer gave
 * one (Apache Parquet format, PageHeader.crc): `hyparquet` reads the checksums but compares none.
 */
import { crc32 } from 'node:zlib';
import type { AsyncBuffer, ColumnChunk, RowGroup } from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';
import type { ParquetBytes } from './openParquet.js';
import { broken } from './ZstdDecoder.js';

interface Held {
  readonly from: number;
  readonly to: number;
  readonly bytes: ArrayBuffer;
}

/**
 * The file, with the chunks of the wanted columns of a row group in memory. Throws `SOURCE_BROKEN` with the byte of a page
 * that is damaged, and what reading the bytes throws.
 */
export async function checkedChunks(
  file: ParquetBytes,
  path: string,
  { columns }: RowGroup,
  wanted: readonly string[],
): Promise<AsyncBuffer> {
  const held: Held[] = [];
  for (const column of columns) {
    if (!wanted.includes(column.meta_data?.path_in_schema[0] ?? '')) continue;
    const { from, to } = placeOf(column, file.byteLength, path);
    const bytes = await file.slice(from, to);
    comparePages(new DataView(bytes), from, path);
    held.push({ from, to, bytes });
  }
  const slice = async (start: number, end = file.byteLength): Promise<ArrayBuffer> => {
    const found = held.find(({ from, to }) => from <= start && end <= to);
    if (found === undefined) return file.slice(start, end);
    const { from, to, bytes } = found;
    return start === from && end === to ? bytes : bytes.slice(start - from, end - from);
  };
  return { byteLength: file.byteLength, slice };
}

function placeOf(
  { meta_data: meta }: ColumnChunk,
  byteLength: number,
  path: string,
): { from: number; to: number } {
  const data = Number(meta!.data_page_offset);
  // Some writers say 0 for a chunk without a dictionary.
  const from = Number(meta!.dictionary_page_offset ?? 0n) || data;
  const to = from + Number(meta!.total_compressed_size);
  if (from >= 0 && from <= to && to <= byteLength) return { from: Math.min(from, data), to };
  throw broken(path, byteLength, `a column chunk lies at ${from} to ${to}, outside the file`);
}

function comparePages(view: DataView, chunkFrom: number, path: string): void {
  const reader = { view, offset: 0 };
  while (reader.offset < view.byteLength - 1) {
    const pageFrom = reader.offset;
    const { compressed_page_size: size, crc } = headerAt(reader, chunkFrom, path);
    const end = reader.offset + size;
    if (!(size >= 0 && end <= view.byteLength))
      throw broken(path, chunkFrom + pageFrom, `a page of ${size} bytes goes beyond its column chunk`);
    const page = new Uint8Array(view.buffer, view.byteOffset + reader.offset, size);
    if (crc !== undefined && crc >>> 0 !== crc32(page))
      throw broken(path, chunkFrom + pageFrom, 'the checksum of a parquet page does not agree');
    reader.offset = end;
  }
}

function headerAt(
  reader: { view: DataView; offset: number },
  chunkFrom: number,
  path: string,
): ReturnType<typeof parquetHeader> {
  const pageFrom = reader.offset;
  try {
    return parquetHeader(reader);
  } catch (cause) {
    throw broken(
      path,
      chunkFrom + pageFrom,
      `no parquet page begins here (${(cause as Error).message})`,
      cause,
    );
  }
}
