/**
 * @file Appends SCALE's little-endian integers, compact integers and raw bytes to a growing buffer.
 * Values outside their range are programming errors here: what comes from outside is checked before it is written.
 * Format: docs.substrate.io, "Type encoding (SCALE)".
 */

const U64_MASK = 0xffff_ffff_ffff_ffffn;

export class ByteWriter {
  #buffer = new Uint8Array(128);
  #view = new DataView(this.#buffer.buffer);
  #length = 0;

  /** A copy of everything written so far. */
  finish(): Uint8Array {
    return this.#buffer.slice(0, this.#length);
  }

  raw(bytes: Uint8Array): void {
    const at = this.#grow(bytes.length);
    this.#buffer.set(bytes, at);
  }

  // Growing replaces the view, so the place is worked out before the view is taken.
  u8(value: number): void {
    const at = this.#grow(1);
    this.#view.setUint8(at, checked(value, 0xff));
  }

  u16(value: number): void {
    const at = this.#grow(2);
    this.#view.setUint16(at, checked(value, 0xffff), true);
  }

  u32(value: number): void {
    const at = this.#grow(4);
    this.#view.setUint32(at, checked(value, 0xffff_ffff), true);
  }

  u64(value: bigint): void {
    if (value < 0n || value > U64_MASK) throw new Error(`cannot happen: ${value} does not fit u64`);
    const at = this.#grow(8);
    this.#view.setBigUint64(at, value, true);
  }

  u128(value: bigint): void {
    if (value < 0n || value >> 128n !== 0n) throw new Error(`cannot happen: ${value} does not fit u128`);
    const at = this.#grow(16);
    this.#view.setBigUint64(at, value & U64_MASK, true);
    this.#view.setBigUint64(at + 8, value >> 64n, true);
  }

  /** Compact integer: two mode bits, then 6, 14 or 30 bits of value, or a byte count and that many bytes. */
  compact(value: number | bigint): void {
    const wide = BigInt(value);
    if (wide < 0n) throw new Error(`cannot happen: ${wide} is negative`);
    if (wide < 0x40n) this.u8(Number(wide) << 2);
    else if (wide < 0x4000n) this.u16((Number(wide) << 2) | 1);
    else if (wide < 0x4000_0000n) this.u32(Number(wide) * 4 + 2);
    else this.#bigCompact(wide);
  }

  #bigCompact(value: bigint): void {
    const bytes: number[] = [];
    for (let rest = value; rest > 0n; rest >>= 8n) bytes.push(Number(rest & 0xffn));
    while (bytes.length < 4) bytes.push(0);
    this.u8(((bytes.length - 4) << 2) | 3);
    this.raw(Uint8Array.from(bytes));
  }

  #grow(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(this.#length, 2 * this.#buffer.length));
      larger.set(this.#buffer);
      this.#buffer = larger;
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }
}

function checked(value: number, max: number): number {
  if (!Number.isInteger(value) || value < 0 || value > max)
    throw new Error(`cannot happen: ${value} is not an integer in 0..${max}`);
  return value;
}
