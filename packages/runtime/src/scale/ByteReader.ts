/**
 * @file Reads SCALE from bytes nobody vouches for. Strict, as consensus needs it: one value has one encoding, so a
 * non-minimal compact integer, a boolean other than 0 or 1 and trailing bytes are refused with `SCALE_INVALID`.
 * Never allocates from an unchecked count. Respects the `byteOffset` of what it is given.
 */
import { RuntimeError } from '../errors.js';

export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;
  #depth = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get position(): number {
    return this.#at;
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  raw(count: number): Uint8Array {
    const at = this.#advance(count);
    return this.#bytes.slice(at, at + count);
  }

  u8(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#advance(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#advance(4), true);
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#advance(8), true);
  }

  u128(): bigint {
    const at = this.#advance(16);
    return this.#view.getBigUint64(at, true) | (this.#view.getBigUint64(at + 8, true) << 64n);
  }

  /** A compact integer not above `max`, in its one minimal form. */
  compact(max: bigint): bigint {
    const first = this.u8();
    const value = this.#compactBody(first);
    if (value > max) throw invalid('a compact integer is too large');
    return value;
  }

  /** A compact count of items that take at least `minItemBytes` each: never more than the bytes that are left. */
  count(minItemBytes: number): number {
    const count = Number(this.compact(0xffff_ffffn));
    if (count * Math.max(minItemBytes, 1) > this.remaining) throw invalid('a list is longer than its bytes');
    return count;
  }

  /** Reads something that may contain itself: deeper than `max` levels is refused, so that no input fills the stack. */
  nested<T>(max: number, read: () => T): T {
    if (this.#depth >= max) throw invalid('a value is nested too deeply');
    this.#depth++;
    const value = read();
    this.#depth--;
    return value;
  }

  /** Refuses bytes after the value. */
  end(): void {
    if (this.remaining > 0) throw invalid('bytes follow the value');
  }

  #compactBody(first: number): bigint {
    const mode = first & 3;
    if (mode === 0) return BigInt(first >> 2);
    if (mode === 1) return atLeast(BigInt((first | (this.u8() << 8)) >> 2), 0x40n);
    if (mode === 2) {
      const high = this.u8() | (this.u16() << 8);
      return atLeast((BigInt(high) << 6n) | BigInt(first >> 2), 0x4000n);
    }
    const bytes = this.raw((first >> 2) + 4);
    if (bytes.at(-1) === 0 && bytes.length > 4) throw invalid('a compact integer is not minimal');
    let value = 0n;
    for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]!);
    return atLeast(value, 0x4000_0000n);
  }

  #advance(count: number): number {
    if (count > this.remaining) throw invalid('the bytes end too early');
    const at = this.#at;
    this.#at += count;
    return at;
  }
}

/** The error of every SCALE decoder. */
export function invalid(what: string): RuntimeError {
  return new RuntimeError({ code: 'SCALE_INVALID' }, `not valid SCALE: ${what}`);
}

function atLeast(value: bigint, min: bigint): bigint {
  if (value < min) throw invalid('a compact integer is not minimal');
  return value;
}
