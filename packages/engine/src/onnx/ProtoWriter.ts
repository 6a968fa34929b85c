/**
 * @file Writes protocol-buffer messages field by field. Written out rather than generated, because generators build code
 * from text, which a page's security policy forbids. Single fields at their default are left out. https://protobuf.dev/programming-guides/encoding/
 */

const VARINT = 0;
const LENGTH = 2;
const FIXED_32 = 5;
const text = new TextEncoder();

export class ProtoWriter {
  readonly #parts: Uint8Array[] = [];
  #sizeBytes = 0;

  /** An int32 or int64; a safe integer. */
  int(field: number, value: number): this {
    return value === 0 ? this : this.#tag(field, VARINT).#put(varint(value));
  }

  float(field: number, value: number): this {
    if (Object.is(value, 0)) return this; // negative zero is not the default
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    return this.#tag(field, FIXED_32).#put(bytes);
  }

  /** The bytes are kept by reference until `finish`. */
  bytes(field: number, value: Uint8Array): this {
    return value.length === 0 ? this : this.#block(field, value);
  }

  string(field: number, value: string): this {
    return this.bytes(field, text.encode(value));
  }

  strings(field: number, values: readonly string[]): this {
    for (const value of values) this.#block(field, text.encode(value));
    return this;
  }

  /** Repeated integers, packed. An empty list is no field at all. */
  ints(field: number, values: readonly number[]): this {
    if (values.length === 0) return this;
    const packed = new ProtoWriter();
    for (const value of values) packed.#put(varint(value));
    return this.message(field, packed);
  }

  message(field: number, content: ProtoWriter): this {
    this.#tag(field, LENGTH).#put(varint(content.#sizeBytes));
    for (const part of content.#parts) this.#put(part);
    return this;
  }

  finish(): Uint8Array {
    const whole = new Uint8Array(this.#sizeBytes);
    let at = 0;
    for (const part of this.#parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }

  #block(field: number, value: Uint8Array): this {
    return this.#tag(field, LENGTH).#put(varint(value.length)).#put(value);
  }

  #tag(field: number, wireType: number): this {
    return this.#put(varint(field * 8 + wireType));
  }

  #put(bytes: Uint8Array): this {
    this.#parts.push(bytes);
    this.#sizeBytes += bytes.length;
    return this;
  }
}

/** Seven bits a byte, lowest first; negative numbers as 64-bit two's complement, ten bytes. */
function varint(value: number): Uint8Array {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 0x80 : low);
  } while (rest > 0n);
  return Uint8Array.from(bytes);
}
