/**
 * @file Little-endian reading of fixed headers, each access checked against the length. Not for bulk data: bodies
 * are decoded in their own loops.
 */
import { type HexString, toHex } from '../bytes.js';
import { WireError } from './errors.js';

/** Reads forward; throws `WIRE_TRUNCATED` instead of reading past the end. */
export class ByteReader {
  at = 0;
  private readonly view: DataView;

  constructor(bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u8(): number {
    return this.view.getUint8(this.skip(1));
  }

  u16(): number {
    return this.view.getUint16(this.skip(2), true);
  }

  u32(): number {
    return this.view.getUint32(this.skip(4), true);
  }

  f32(): number {
    return this.view.getFloat32(this.skip(4), true);
  }

  hex(sizeBytes: number): HexString {
    const from = this.skip(sizeBytes);
    return toHex(new Uint8Array(this.view.buffer, this.view.byteOffset + from, sizeBytes));
  }

  private skip(sizeBytes: number): number {
    const from = this.at;
    needBytes(from + sizeBytes, this.view.byteLength);
    this.at += sizeBytes;
    return from;
  }
}

/** Throws `WIRE_TRUNCATED` unless at least `need` bytes are there. */
export function needBytes(need: number, got: number): void {
  if (got < need)
    throw new WireError(
      { code: 'WIRE_TRUNCATED', needBytes: need, gotBytes: got },
      `${got} bytes where at least ${need} are needed: the transfer was cut short`,
    );
}

/** Throws `WIRE_TRAILING_BYTES` when more than `expected` bytes are there. */
export function noMoreThan(expected: number, got: number): void {
  if (got > expected)
    throw new WireError(
      { code: 'WIRE_TRAILING_BYTES', expectedBytes: expected, gotBytes: got },
      `${got - expected} byte(s) follow the end of the message`,
    );
}
