/**
 * @file One declared type = one codec and one entry of the metadata's type registry, so that what the node writes and
 * what it tells clients cannot differ. Types are immutable values; nothing here reads state.
 */
import { ByteReader } from './ByteReader.js';
import { ByteWriter } from './ByteWriter.js';

/** How a type looks in the metadata (scale-info's `TypeDef`), in the form the metadata encoder takes. */
export type TypeDefinition =
  | { readonly tag: 'primitive'; readonly value: { readonly tag: PrimitiveName; readonly value: undefined } }
  | { readonly tag: 'sequence' | 'compact'; readonly value: number }
  | { readonly tag: 'array'; readonly value: { readonly len: number; readonly type: number } }
  | { readonly tag: 'tuple'; readonly value: number[] }
  | { readonly tag: 'composite'; readonly value: TypeField[] }
  | { readonly tag: 'variant'; readonly value: TypeCase[] };

export type PrimitiveName = 'bool' | 'str' | 'u8' | 'u16' | 'u32' | 'u64' | 'u128';

export interface TypeField {
  readonly name: string | undefined;
  readonly type: number;
  readonly typeName: string | undefined;
  readonly docs: string[];
}

export interface TypeCase {
  readonly name: string;
  readonly index: number;
  readonly fields: TypeField[];
  readonly docs: string[];
}

export interface TypeParameter {
  readonly name: string;
  readonly type: number | undefined;
}

export interface TypeDescription {
  readonly path: string[];
  readonly params: TypeParameter[];
  readonly def: TypeDefinition;
}

/** Gives the registry number of another type. */
export type IdOf = (type: ScaleType<unknown>) => number;

export interface ScaleType<T> {
  /** How Rust sources would name it; clients show it. */
  readonly name: string;
  /** The least number of bytes a value takes: bounds how many items a list may claim to have. */
  readonly minBytes: number;
  write(out: ByteWriter, value: T): void;
  read(from: ByteReader): T;
  describe(idOf: IdOf): TypeDescription;
}

export type ValueOf<S> = S extends ScaleType<infer T> ? T : never;

export function encode<T>(type: ScaleType<T>, value: T): Uint8Array {
  const out = new ByteWriter();
  type.write(out, value);
  return out.finish();
}

/** Decodes exactly one value. Throws `SCALE_INVALID`, also for trailing bytes. */
export function decode<T>(type: ScaleType<T>, bytes: Uint8Array): T {
  const from = new ByteReader(bytes);
  const value = type.read(from);
  from.end();
  return value;
}
