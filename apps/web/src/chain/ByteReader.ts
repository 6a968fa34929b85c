/**
 * @file Reads SCALE primitives from bytes a node sent. Every access is checked, so false lengths end in `SCALE_INVALID`
 * and never in an endless loop. Knows no types; `decodeValue` does.
 */
import { WebError } from '../errors.js';

export class ByteReader {
  #at = 0;
  readonly #bytes: Uint8Array;
  readonly #what: string;

  /** `what` names the value in errors. */
  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = bytes;
    this.#what = what;
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  u8(): number {
    return this.raw(1)[0]!;
  }

  u32(): number {
    return Number(this.unsigned(4));
  }

  /** Little-endian, `sizeBytes` wide. */
  unsigned(sizeBytes: number): bigint {
    return this.raw(sizeBytes).reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
  }

  signed(sizeBytes: number): bigint {
    return BigInt.asIntN(8 * sizeBytes, this.unsigned(sizeBytes));
  }

  compact(): bigint {
    const first = this.u8();
    const mode = first & 3;
    if (mode === 3) return this.unsigned((first >>> 2) + 4);
    this.#at -= 1;
    return this.unsigned(1 << mode) >> 2n;
  }

  /** A length that cannot be true (more items than bytes) is refused before anything is made. */
  count(): number {
    const count = this.compact();
    if (count > BigInt(Math.max(this.remaining, 0x4000))) throw this.invalid();
    return Number(count);
  }

  vector<T>(item: () => T): T[] {
    const items: T[] = [];
    for (let left = this.count(); left > 0; left--) items.push(item());
    return items;
  }

  text(): string {
    return new TextDecoder().decode(this.raw(this.count()));
  }

  option<T>(item: () => T): T | undefined {
    const flag = this.u8();
    if (flag > 1) throw this.invalid();
    return flag === 1 ? item() : undefined;
  }

  raw(sizeBytes: number): Uint8Array {
    if (sizeBytes > this.remaining) throw this.invalid();
    this.#at += sizeBytes;
    return this.#bytes.subarray(this.#at - sizeBytes, this.#at);
  }

  end(): void {
    if (this.remaining !== 0) throw this.invalid();
  }

  invalid(): WebError {
    return new WebError(
      { code: 'SCALE_INVALID', what: this.#what, atByte: this.#at },
      `the node's bytes for ${this.#what} do not fit the chain's description at byte ${this.#at}: reload the page; if it stays, page and node are of different versions`,
    );
  }
}
