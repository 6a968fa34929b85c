/**
 * @file Little-endian writing of fixed headers, each value checked against its width, so that an encoder can never
 * produce what the decoder would refuse or read differently.
 */
import { fromHex, type HexString } from '../bytes.js';
import { WireError } from './errors.js';

/** Fills a byte string of known size; throws `WIRE_FIELD` for a value its width cannot hold. */
export class ByteWriter {
  at = 0;
  readonly bytes: Uint8Array;
  private readonly view: DataView;

  constructor(sizeBytes: number) {
    this.bytes = new Uint8Array(sizeBytes);
    this.view = new DataView(this.bytes.buffer);
  }

  u8(field: string, value: number): this {
    this.view.setUint8(this.room(1), checkUnsigned(field, value, 0xff));
    return this;
  }

  u16(field: string, value: number): this {
    this.view.setUint16(this.room(2), checkUnsigned(field, value, 0xffff), true);
    return this;
  }

  u32(field: string, value: number): this {
    this.view.setUint32(this.room(4), checkUnsigned(field, value, 0xffffffff), true);
    return this;
  }

  f32(field: string, value: number): this {
    if (!Number.isFinite(Math.fround(value))) throw fieldError(field, value);
    this.view.setFloat32(this.room(4), value, true);
    return this;
  }

  /** Exactly `sizeBytes` bytes given in hex. */
  hex(field: string, text: HexString, sizeBytes: number): this {
    if (!new RegExp(`^0x[0-9a-fA-F]{${2 * sizeBytes}}$`).test(text)) throw fieldError(field, text);
    return this.raw(fromHex(text));
  }

  raw(part: Uint8Array): this {
    this.bytes.set(part, this.room(part.length));
    return this;
  }

  private room(sizeBytes: number): number {
    const from = this.at;
    this.at += sizeBytes;
    return from;
  }
}

export function fieldError(field: string, value: number | string): WireError {
  return new WireError(
    { code: 'WIRE_FIELD', field, value },
    `${field} is ${value}, outside what the format can hold`,
  );
}

function checkUnsigned(field: string, value: number, max: number): number {
  if (!Number.isInteger(value) || value < 0 || value > max) throw fieldError(field, value);
  return value;
}
