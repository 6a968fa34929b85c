/**
 * @file The few SCALE encodings that the node itself needs (headers, trie values, fee answers): compact integers and
 * fixed little-endian ones. Everything else is the runtime's business.
 */
import { concatBytes } from '@alice/protocol';

/** SCALE compact of 0 ≤ value < 2³², which covers lengths, indices and block numbers. */
export function compact(value: number): Uint8Array {
  if (value < 2 ** 6) return Uint8Array.of(value << 2);
  if (value < 2 ** 14) return Uint8Array.of(((value << 2) | 1) & 0xff, value >> 6);
  if (value < 2 ** 30) {
    const word = value * 4 + 2;
    return Uint8Array.of(word & 0xff, (word >>> 8) & 0xff, (word >>> 16) & 0xff, (word >>> 24) & 0xff);
  }
  if (value < 2 ** 32) return concatBytes(Uint8Array.of(3), u32le(value));
  throw new Error('cannot happen: lengths and block numbers stay below 2³²');
}

export function u32le(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

/** Reads SCALE values one after the other; throws a `RangeError` past the end. */
export class ScaleReader {
  #at = 0;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  u8(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw new RangeError('SCALE value is cut short');
    return byte;
  }

  /** A little-endian unsigned integer of `size` bytes. */
  uint(size: number): bigint {
    let value = 0n;
    for (let i = 0; i < size; i++) value |= BigInt(this.u8()) << BigInt(8 * i);
    return value;
  }

  compact(): bigint {
    const first = this.u8();
    const mode = first & 3;
    if (mode === 3) return this.uint((first >> 2) + 4);
    const rest = this.uint((1 << mode) - 1);
    return (BigInt(first) | (rest << 8n)) >> 2n;
  }
}
