/**
 * @file The chain's description of itself (Substrate metadata, version 14), read as far as an explorer needs it: types,
 * storage, calls, events, errors, signed extensions. With it the page decodes whatever the runtime has, including pallets
 * newer than the page. Source: Substrate's `frame-metadata` crate, `v14` module.
 */
import { WebError } from '../errors.js';
import { ByteReader } from './ByteReader.js';

export interface Field {
  readonly name: string | undefined;
  readonly type: number;
  /** As the runtime's source spells it; `Balance`, `T::AccountId`, … */
  readonly typeName: string | undefined;
}
export interface Variant {
  readonly name: string;
  readonly fields: readonly Field[];
  readonly index: number;
  readonly docs: readonly string[];
}
export type TypeShape =
  | { readonly kind: 'composite'; readonly fields: readonly Field[] }
  | { readonly kind: 'variant'; readonly variants: ReadonlyMap<number, Variant> }
  | { readonly kind: 'sequence'; readonly of: number }
  | { readonly kind: 'array'; readonly length: number; readonly of: number }
  | { readonly kind: 'tuple'; readonly of: readonly number[] }
  | { readonly kind: 'primitive'; readonly name: string }
  | { readonly kind: 'compact'; readonly of: number }
  | { readonly kind: 'bits' };
export interface ChainType {
  readonly path: readonly string[];
  readonly parameters: ReadonlyMap<string, number | undefined>;
  readonly shape: TypeShape;
}
export interface StorageEntry {
  readonly hashers: readonly string[];
  readonly key: number | undefined;
  readonly value: number;
}
export interface PalletDescription {
  readonly name: string;
  readonly index: number;
  readonly prefix: string;
  readonly storage: ReadonlyMap<string, StorageEntry>;
  readonly constants: ReadonlyMap<string, { readonly type: number; readonly value: Uint8Array }>;
  readonly calls: number | undefined;
  readonly events: number | undefined;
  readonly errors: number | undefined;
}
export interface Metadata {
  readonly types: ReadonlyMap<number, ChainType>;
  readonly pallets: readonly PalletDescription[];
  /** Its type's parameters name the types of `Address`, `Signature` and `Call`. */
  readonly extrinsic: number;
  readonly extensions: readonly { readonly name: string; readonly type: number }[];
}

const MAGIC = 0x6174656d;
const VERSION = 14;
const PRIMITIVES = 'bool char str u8 u16 u32 u64 u128 u256 i8 i16 i32 i64 i128 i256'.split(' ');
const HASHERS = 'Blake2_128 Blake2_256 Blake2_128Concat Twox128 Twox256 Twox64Concat Identity'.split(' ');

/** Throws `METADATA_UNSUPPORTED`, `SCALE_INVALID`. */
export function parseMetadata(bytes: Uint8Array): Metadata {
  const from = new ByteReader(bytes, 'the metadata');
  if (from.u32() !== MAGIC) throw from.invalid();
  const version = from.u8();
  if (version !== VERSION)
    throw new WebError(
      { code: 'METADATA_UNSUPPORTED', version },
      `the node describes its chain in metadata version ${version}; this page reads version ${VERSION}`,
    );
  const types = new Map(from.vector(() => [Number(from.compact()), readType(from)] as const));
  const pallets = from.vector(() => readPallet(from));
  const extrinsic = typeId(from);
  from.u8(); // its format
  const extensions = from.vector(() => {
    const extension = { name: from.text(), type: typeId(from) };
    typeId(from); // what is signed but not sent
    return extension;
  });
  return { types, pallets, extrinsic, extensions };
}

const typeId = (from: ByteReader): number => Number(from.compact());
const texts = (from: ByteReader): string[] => from.vector(() => from.text());

function readType(from: ByteReader): ChainType {
  const path = texts(from);
  const parameters = new Map(from.vector(() => [from.text(), from.option(() => typeId(from))] as const));
  const shape = readShape(from);
  texts(from);
  return { path, parameters, shape };
}

function readShape(from: ByteReader): TypeShape {
  const kind = from.u8();
  switch (kind) {
    case 0:
      return { kind: 'composite', fields: readFields(from) };
    case 1:
      return { kind: 'variant', variants: new Map(from.vector(() => readVariant(from))) };
    case 2:
      return { kind: 'sequence', of: typeId(from) };
    case 3:
      return { kind: 'array', length: from.u32(), of: typeId(from) };
    case 4:
      return { kind: 'tuple', of: from.vector(() => typeId(from)) };
    case 5:
      return { kind: 'primitive', name: PRIMITIVES[from.u8()] ?? 'unknown' };
    case 6:
      return { kind: 'compact', of: typeId(from) };
    case 7:
      typeId(from);
      typeId(from);
      return { kind: 'bits' };
    default:
      throw from.invalid();
  }
}

function readFields(from: ByteReader): Field[] {
  return from.vector(() => {
    const field = {
      name: from.option(() => from.text()),
      type: typeId(from),
      typeName: from.option(() => from.text()),
    };
    texts(from);
    return field;
  });
}

function readVariant(from: ByteReader): [number, Variant] {
  const variant = { name: from.text(), fields: readFields(from), index: from.u8(), docs: texts(from) };
  return [variant.index, variant];
}

function readPallet(from: ByteReader): PalletDescription {
  const name = from.text();
  const storage = from.option(() => ({
    prefix: from.text(),
    entries: from.vector(() => readStorageEntry(from)),
  }));
  const pallet = {
    calls: from.option(() => typeId(from)),
    events: from.option(() => typeId(from)),
  };
  const constants = new Map(from.vector(() => readConstant(from)));
  const errors = from.option(() => typeId(from));
  const index = from.u8();
  const entries = new Map(storage?.entries);
  return { name, index, prefix: storage?.prefix ?? name, storage: entries, constants, errors, ...pallet };
}

function readConstant(from: ByteReader): [string, { type: number; value: Uint8Array }] {
  const name = from.text();
  const type = typeId(from);
  const value = from.raw(from.count()).slice();
  texts(from);
  return [name, { type, value }];
}

function readStorageEntry(from: ByteReader): [string, StorageEntry] {
  const name = from.text();
  from.u8(); // whether a missing value has a default
  const isMap = from.u8() === 1;
  const hashers = isMap ? from.vector(() => HASHERS[from.u8()] ?? 'unknown') : [];
  const key = isMap ? typeId(from) : undefined;
  const value = typeId(from);
  from.raw(from.count()); // the default
  texts(from);
  return [name, { hashers, key, value }];
}
