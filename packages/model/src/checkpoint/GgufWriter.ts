/**
 * @file The GGUF container, version 3: typed key/value pairs, tensor places, then aligned data; all little-endian.
 * https://github.com/ggml-org/ggml/blob/master/docs/gguf.md . Collects the head only; data is streamed by the caller.
 */
import { concatBytes, utf8 } from '@alice/protocol';

export const GGUF_MAGIC = utf8.encode('GGUF');
export const GGUF_VERSION = 3;
export const GGUF_ALIGNMENT = 32;

/** GGUF value types that are written. */
export const GGUF_TYPE = { u32: 4, i32: 5, f32: 6, bool: 7, text: 8, array: 9 } as const;
/** ggml tensor types. */
export const GGML_TYPE = { F32: 0, F16: 1 } as const;

export interface GgufTensor {
  readonly name: string;
  /** Row-major, slowest first, as everywhere else; GGUF wants the reverse and gets it here. */
  readonly shape: readonly number[];
  readonly type: keyof typeof GGML_TYPE;
  readonly sizeBytes: number;
}

export class GgufWriter {
  readonly #pairs: Uint8Array[] = [];

  u32(key: string, value: number): this {
    return this.#pair(key, GGUF_TYPE.u32, u32(value));
  }
  f32(key: string, value: number): this {
    return this.#pair(key, GGUF_TYPE.f32, f32(value));
  }
  bool(key: string, value: boolean): this {
    return this.#pair(key, GGUF_TYPE.bool, Uint8Array.of(Number(value)));
  }
  text(key: string, value: string): this {
    return this.#pair(key, GGUF_TYPE.text, text(value));
  }
  texts(key: string, values: readonly string[]): this {
    return this.#pair(
      key,
      GGUF_TYPE.array,
      concatBytes(u32(GGUF_TYPE.text), u64(values.length), ...values.map(text)),
    );
  }
  ints(key: string, values: readonly number[]): this {
    return this.#pair(
      key,
      GGUF_TYPE.array,
      concatBytes(u32(GGUF_TYPE.i32), u64(values.length), ...values.map(u32)),
    );
  }

  /** The key/value pairs alone. */
  get pairs(): Uint8Array {
    return concatBytes(...this.#pairs);
  }

  /** Everything before the data: the tensors follow in the given order, each padded to the alignment. */
  head(tensors: readonly GgufTensor[]): Uint8Array {
    let offset = 0;
    const places = tensors.map(({ name, shape, type, sizeBytes }) => {
      const dims = [...shape].reverse().map(u64);
      const place = concatBytes(text(name), u32(shape.length), ...dims, u32(GGML_TYPE[type]), u64(offset));
      offset += sizeBytes + ggufPadding(sizeBytes);
      return place;
    });
    const counts = concatBytes(GGUF_MAGIC, u32(GGUF_VERSION), u64(tensors.length), u64(this.#pairs.length));
    const head = concatBytes(counts, ...this.#pairs, ...places);
    return concatBytes(head, new Uint8Array(ggufPadding(head.length)));
  }

  #pair(key: string, type: number, value: Uint8Array): this {
    this.#pairs.push(concatBytes(text(key), u32(type), value));
    return this;
  }
}

/** Zero bytes after `sizeBytes` up to the next aligned place. */
export function ggufPadding(sizeBytes: number): number {
  return (GGUF_ALIGNMENT - (sizeBytes % GGUF_ALIGNMENT)) % GGUF_ALIGNMENT;
}

function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

function f32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return bytes;
}

function u64(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true);
  return bytes;
}

function text(value: string): Uint8Array {
  const bytes = utf8.encode(value);
  return concatBytes(u64(bytes.length), bytes);
}
