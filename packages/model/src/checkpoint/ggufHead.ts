/**
 * @file Reads the head of a GGUF file, version 3: key/value pairs and the places of tensors, all bounds checked, nothing
 * allocated that the file does not hold. https://github.com/ggml-org/ggml/blob/master/docs/gguf.md . The counterpart of
 * `GgufWriter`; does not know what keys and tensors mean.
 */
import { equalBytes, utf8 } from '@alice/protocol';
import { corrupt } from './checkpointError.js';
import { GGUF_ALIGNMENT, GGUF_MAGIC, GGUF_TYPE, GGUF_VERSION } from './GgufWriter.js';

export type GgufValue = number | bigint | boolean | string | readonly GgufValue[];

export interface GgufPlace {
  readonly name: string;
  /** Row-major, slowest first. */
  readonly shape: readonly number[];
  /** ggml's number of the element type. */
  readonly type: number;
  /** From the beginning of the data. */
  readonly offset: number;
}

export interface GgufHead {
  readonly pairs: ReadonlyMap<string, GgufValue>;
  readonly tensors: readonly GgufPlace[];
  /** Where the data begins within the file. */
  readonly dataFrom: number;
}

/** GGUF's own bound. */
const MAX_DIMENSIONS = 4;

/** `undefined`: the head goes on after these bytes. Throws `CHECKPOINT_CORRUPT`. */
export function parseGgufHead(file: string, bytes: Uint8Array): GgufHead | undefined {
  try {
    return parse(file, new Cursor(bytes));
  } catch (error) {
    if (error === MORE) return undefined;
    throw error;
  }
}

function parse(file: string, cursor: Cursor): GgufHead {
  if (!equalBytes(cursor.take(GGUF_MAGIC.length), GGUF_MAGIC)) throw corrupt(file, 'it is not a GGUF file');
  const version = cursor.u32();
  if (version !== GGUF_VERSION) throw corrupt(file, `it is GGUF version ${version}, not ${GGUF_VERSION}`);
  const [tensorCount, pairCount] = [cursor.size(file), cursor.size(file)];
  const pairs = new Map<string, GgufValue>();
  for (let i = 0; i < pairCount; i++) {
    const key = cursor.text(file);
    if (pairs.has(key)) throw corrupt(file, `it says "${key}" twice`);
    pairs.set(key, value(file, cursor, cursor.u32()));
  }
  if ((pairs.get('general.alignment') ?? GGUF_ALIGNMENT) !== GGUF_ALIGNMENT)
    throw corrupt(file, `its data are not aligned to ${GGUF_ALIGNMENT} bytes`);
  const tensors: GgufPlace[] = [];
  for (let i = 0; i < tensorCount; i++) tensors.push(place(file, cursor));
  return { pairs, tensors, dataFrom: Math.ceil(cursor.at / GGUF_ALIGNMENT) * GGUF_ALIGNMENT };
}

function place(file: string, cursor: Cursor): GgufPlace {
  const name = cursor.text(file);
  const dimensions = cursor.u32();
  if (dimensions > MAX_DIMENSIONS) throw corrupt(file, `it has ${dimensions} dimensions`, name);
  const shape = Array.from({ length: dimensions }, () => cursor.size(file)).reverse();
  return { name, shape, type: cursor.u32(), offset: cursor.size(file) };
}

function value(file: string, cursor: Cursor, type: number): GgufValue {
  if (type === GGUF_TYPE.text) return cursor.text(file);
  if (type === GGUF_TYPE.bool) return cursor.number('getUint8', 1) !== 0;
  if (type === GGUF_TYPE.array) {
    const element = cursor.u32();
    if (element === GGUF_TYPE.array) throw corrupt(file, 'it has a list of lists');
    const count = cursor.size(file);
    const list: GgufValue[] = [];
    for (let i = 0; i < count; i++) list.push(value(file, cursor, element));
    return list;
  }
  const scalar = SCALARS[type];
  if (!scalar) throw corrupt(file, `it has a value of unknown type ${type}`);
  return scalar(cursor);
}

/** By the format's numbers: u8, i8, u16, i16, u32, i32, f32, then u64, i64, f64. */
const SCALARS: Readonly<Record<number, (cursor: Cursor) => number | bigint>> = {
  0: (cursor) => cursor.number('getUint8', 1),
  1: (cursor) => cursor.number('getInt8', 1),
  2: (cursor) => cursor.number('getUint16', 2),
  3: (cursor) => cursor.number('getInt16', 2),
  [GGUF_TYPE.u32]: (cursor) => cursor.u32(),
  [GGUF_TYPE.i32]: (cursor) => cursor.number('getInt32', 4),
  [GGUF_TYPE.f32]: (cursor) => cursor.number('getFloat32', 4),
  10: (cursor) => cursor.u64(),
  11: (cursor) => BigInt.asIntN(64, cursor.u64()),
  12: (cursor) => cursor.number('getFloat64', 8),
};

/** Thrown where the bytes end before the head does. */
const MORE = Symbol('more bytes');

class Cursor {
  at = 0;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  take(length: number): Uint8Array {
    if (length > this.#bytes.length - this.at) throw MORE;
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at);
  }

  number(
    getter:
      | 'getUint8'
      | 'getInt8'
      | 'getUint16'
      | 'getInt16'
      | 'getUint32'
      | 'getInt32'
      | 'getFloat32'
      | 'getFloat64',
    length: number,
  ): number {
    this.take(length);
    return this.#view[getter](this.at - length, true);
  }

  u32(): number {
    return this.number('getUint32', 4);
  }

  u64(): bigint {
    this.take(8);
    return this.#view.getBigUint64(this.at - 8, true);
  }

  /** A count or a length. */
  size(file: string): number {
    const count = this.u64();
    if (count > BigInt(Number.MAX_SAFE_INTEGER)) throw corrupt(file, `it counts to ${count}`);
    return Number(count);
  }

  text(file: string): string {
    const bytes = this.take(this.size(file));
    try {
      return utf8.decode(bytes);
    } catch {
      throw corrupt(file, 'it has a text that is not UTF-8');
    }
  }
}
