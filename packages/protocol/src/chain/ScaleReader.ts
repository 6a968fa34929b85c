/**
 * @file SCALE, reading side, over bytes a node sent: each access is checked, compact integers must be in their shortest
 * form, and `end` refuses what is left over. Throws `SCALE_INVALID` and nothing else.
 */
import { type HexString, toHex } from '../bytes.js';
import { ChainError } from './errors.js';

export class ScaleReader {
  private at = 0;
  private readonly bytes: Uint8Array;
  private readonly what: string;

  /** `what` names the value in errors. */
  constructor(bytes: Uint8Array, what: string) {
    this.bytes = bytes;
    this.what = what;
  }

  u8(): number {
    return this.take(1)[0]!;
  }

  u32(): number {
    return Number(this.unsigned(4));
  }

  u64(): bigint {
    return this.unsigned(8);
  }

  u128(): bigint {
    return this.unsigned(16);
  }

  /** A u64 of milliseconds since 1970, as a number. */
  timeMs(): number {
    const timeMs = Number(this.u64());
    if (!Number.isSafeInteger(timeMs)) throw this.invalid();
    return timeMs;
  }

  hash(): HexString {
    return toHex(this.take(32));
  }

  /** A copy, safe to keep. */
  raw(sizeBytes: number): Uint8Array {
    return this.take(sizeBytes).slice();
  }

  compact(): bigint {
    const first = this.u8();
    const mode = first & 3;
    if (mode === 3) return this.bigCompact((first >>> 2) + 4);
    const sizeBytes = 1 << mode;
    this.at -= 1;
    const value = this.unsigned(sizeBytes) >> 2n;
    if (mode > 0 && value < 1n << BigInt(mode === 1 ? 6 : 14)) throw this.invalid();
    return value;
  }

  /** Items read one by one; `minBytes` is the least an item takes, so a false count is refused before any is read. */
  vector<T>(minBytes: number, item: () => T): T[] {
    const count = this.compact();
    if (count * BigInt(minBytes) > BigInt(this.bytes.length - this.at)) throw this.invalid();
    return Array.from({ length: Number(count) }, item);
  }

  end(): void {
    if (this.at !== this.bytes.length) throw this.invalid();
  }

  /** The error for a value that cannot be; for decoders of enumerations. */
  invalid(): ChainError {
    return new ChainError(
      { code: 'SCALE_INVALID', what: this.what, atByte: this.at },
      `the chain's bytes for ${this.what} do not have the expected form at byte ${this.at}: node and program may be of different versions`,
    );
  }

  private bigCompact(sizeBytes: number): bigint {
    if (sizeBytes > 16) throw this.invalid();
    const value = this.unsigned(sizeBytes);
    if (value < 1n << 30n || value >> BigInt(8 * (sizeBytes - 1)) === 0n) throw this.invalid();
    return value;
  }

  private unsigned(sizeBytes: number): bigint {
    return this.take(sizeBytes).reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
  }

  private take(sizeBytes: number): Uint8Array {
    if (this.at + sizeBytes > this.bytes.length) throw this.invalid();
    this.at += sizeBytes;
    return this.bytes.subarray(this.at - sizeBytes, this.at);
  }
}
