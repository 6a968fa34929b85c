/** @file Checks that all binary headers share: magic, format version, value type, fields the receiver knows already. */
import { utf8 } from '../bytes.js';
import type { ByteReader } from './ByteReader.js';
import { WireError } from './errors.js';

/** Reads magic and format version. Throws `WIRE_MAGIC`, `WIRE_VERSION`. */
export function checkFormat(
  reader: ByteReader,
  { format, magic, version }: { format: string; magic: string; version: number },
): void {
  for (const letter of utf8.encode(magic))
    if (reader.u8() !== letter)
      throw new WireError(
        { code: 'WIRE_MAGIC', format },
        `not a ${format}: the bytes do not start with "${magic}"`,
      );
  const found = reader.u8();
  if (found !== version)
    throw new WireError(
      { code: 'WIRE_VERSION', format, version: found, supported: version },
      `${format} format ${found}; this program reads ${version}: update the older of the two`,
    );
}

/** Throws `WIRE_DTYPE` unless the type is the one this format allows. */
export function checkDtype(dtype: number, allowed: number): void {
  if (dtype !== allowed)
    throw new WireError(
      { code: 'WIRE_DTYPE', dtype },
      `value type ${dtype} is not allowed here (only ${allowed})`,
    );
}

/** Compares the fields given with the header's. Throws `WIRE_UNEXPECTED`. */
export function checkExpected<H extends object>(header: H, expected: Partial<H>): void {
  for (const [field, value] of Object.entries(expected)) {
    const actual = String(header[field as keyof H]);
    if (value !== undefined && actual !== String(value).toLowerCase())
      throw new WireError(
        { code: 'WIRE_UNEXPECTED', field, expected: String(value), actual },
        `${field} is ${actual}, expected ${String(value)}: these bytes belong elsewhere`,
      );
  }
}
