/**
 * @file A parquet file of one column of texts, several row groups, for tests: PLAIN pages, no compression, Thrift compact
 * protocol written by hand (Apache Parquet format 2, parquet.thrift).
 */
import { crc32 } from 'node:zlib';

/** Thrift compact: fields in order of their ids, at most 15 apart. */
class Thrift {
  readonly #bytes: number[] = [];
  #last: number[] = [0];

  varint(value: number): this {
    for (; value > 127; value = Math.floor(value / 128)) this.#bytes.push((value % 128) | 128);
    this.#bytes.push(value);
    return this;
  }

  #field(id: number, type: number): void {
    this.#bytes.push(((id - this.#last.at(-1)!) << 4) | type);
    this.#last[this.#last.length - 1] = id;
  }

  int(id: number, value: number, type = 5): this {
    this.#field(id, type);
    // Zigzag.
    return this.varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  text(id: number, value: string): this {
    this.#field(id, 8);
    return this.raw(value);
  }

  raw(value: string): this {
    const bytes = Buffer.from(value);
    this.varint(bytes.length);
    this.#bytes.push(...bytes);
    return this;
  }

  struct(id: number, write: (inner: this) => void): this {
    this.#field(id, 12);
    return this.element(write);
  }

  element(write: (inner: this) => void): this {
    this.#last.push(0);
    write(this);
    this.#last.pop();
    this.#bytes.push(0);
    return this;
  }

  list(id: number, type: number, count: number): this {
    this.#field(id, 9);
    if (count < 15) this.#bytes.push((count << 4) | type);
    else {
      this.#bytes.push(0xf0 | type);
      this.varint(count);
    }
    return this;
  }

  end(): Buffer {
    return Buffer.from([...this.#bytes, 0]);
  }
}

export interface ParquetFileOptions {
  readonly groupRows?: number;
  readonly column?: string;
  /** Whether pages have checksums. */
  readonly checksums?: boolean;
}

export function parquetFile(
  texts: readonly string[],
  { groupRows = 100, column = 'text', checksums = false }: ParquetFileOptions = {},
): Buffer {
  const parts: Buffer[] = [Buffer.from('PAR1')];
  let at = 4;
  const groups: { rows: number; offset: number; bytes: number }[] = [];
  for (let first = 0; first < texts.length; first += groupRows) {
    const rows = texts.slice(first, first + groupRows);
    const data = Buffer.concat(rows.flatMap((text) => [lengthOf(text), Buffer.from(text)]));
    const header = new Thrift().int(1, 0).int(2, data.length).int(3, data.length);
    if (checksums) header.int(4, crc32(data) | 0);
    header.struct(5, (page) => page.int(1, rows.length).int(2, 0).int(3, 3).int(4, 3));
    const page = Buffer.concat([header.end(), data]);
    groups.push({ rows: rows.length, offset: at, bytes: page.length });
    parts.push(page);
    at += page.length;
  }
  const footer = metadata(groups, column, texts.length);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(footer.length);
  return Buffer.concat([...parts, footer, length, Buffer.from('PAR1')]);
}

function metadata(
  groups: readonly { rows: number; offset: number; bytes: number }[],
  column: string,
  rows: number,
): Buffer {
  const thrift = new Thrift().int(1, 1).list(2, 12, 2);
  thrift.element((root) => root.text(4, 'schema').int(5, 1));
  // BYTE_ARRAY, required, annotated as UTF-8.
  thrift.element((leaf) => leaf.int(1, 6).int(3, 0).text(4, column).int(6, 0));
  thrift.int(3, rows, 6).list(4, 12, groups.length);
  for (const group of groups)
    thrift.element((row) => {
      row.list(1, 12, 1);
      row.element((chunk) =>
        chunk.int(2, group.offset, 6).struct(3, (meta) => {
          meta.int(1, 6).list(2, 5, 1).varint(0).list(3, 8, 1).raw(column).int(4, 0);
          meta.int(5, group.rows, 6).int(6, group.bytes, 6).int(7, group.bytes, 6).int(9, group.offset, 6);
        }),
      );
      row.int(2, group.bytes, 6).int(3, group.rows, 6);
    });
  return thrift.end();
}

function lengthOf(text: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(Buffer.byteLength(text));
  return length;
}
