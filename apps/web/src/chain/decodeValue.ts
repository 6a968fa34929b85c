/**
 * @file SCALE bytes → plain values, led by the chain's metadata. Byte strings become hex, account ids become addresses,
 * integers up to 32 bits become numbers and wider ones bigint, so no money ever passes through floating point.
 */
import { toHex } from '@alice/protocol';
import { ByteReader } from './ByteReader.js';
import type { ChainType, Field, Metadata } from './metadata.js';
import { addressOfAccount } from './ss58.js';

export type Fields = { readonly [name: string]: Value };
/** One of several shapes; tuple-like fields are named `0`, `1`, … */
export interface Choice {
  readonly variant: string;
  readonly fields: Fields;
}
export type Value = null | boolean | number | bigint | string | readonly Value[] | Choice | Fields;

const DEEPEST = 64;

/** Reads one value of type `type`. Throws `SCALE_INVALID`. */
export function readValue(metadata: Metadata, type: number, from: ByteReader, depth = 0): Value {
  const known = metadata.types.get(type);
  if (!known || depth > DEEPEST) throw from.invalid();
  const inner = (of: number): Value => readValue(metadata, of, from, depth + 1);
  const { shape } = known;
  switch (shape.kind) {
    case 'primitive':
      return readPrimitive(shape.name, from);
    case 'compact':
      return readCompact(metadata, shape.of, from);
    case 'composite':
      if (known.path.at(-1) === 'AccountId32') return addressOfAccount(from.raw(32));
      return readComposite(shape.fields, inner);
    case 'variant':
      return readChoice(known, from, inner);
    case 'sequence':
      return isByte(metadata, shape.of) ? toHex(from.raw(from.count())) : from.vector(() => inner(shape.of));
    case 'array':
      return isByte(metadata, shape.of)
        ? toHex(from.raw(shape.length))
        : Array.from({ length: shape.length }, () => inner(shape.of));
    case 'tuple':
      return shape.of.map(inner);
    case 'bits':
      throw from.invalid();
  }
}

/** A whole value: nothing may be left over. Throws `SCALE_INVALID`. */
export function decodeValue(metadata: Metadata, type: number, bytes: Uint8Array, what: string): Value {
  const from = new ByteReader(bytes, what);
  const value = readValue(metadata, type, from);
  from.end();
  return value;
}

export function isChoice(value: Value | undefined): value is Choice {
  return typeof value === 'object' && value !== null && 'variant' in value && 'fields' in value;
}

function isByte(metadata: Metadata, type: number): boolean {
  const shape = metadata.types.get(type)?.shape;
  return shape?.kind === 'primitive' && shape.name === 'u8';
}

function readPrimitive(name: string, from: ByteReader): Value {
  if (name === 'bool') {
    const byte = from.u8();
    if (byte > 1) throw from.invalid();
    return byte === 1;
  }
  if (name === 'str') return from.text();
  const bits = name === 'char' ? 32 : Number(name.slice(1));
  if (!(bits >= 8)) throw from.invalid();
  const value = name.startsWith('i') ? from.signed(bits / 8) : from.unsigned(bits / 8);
  return bits <= 32 ? Number(value) : value;
}

/** A compact of a wrapper (`Perbill`, a newtype) holds the wrapped integer. */
function readCompact(metadata: Metadata, of: number, from: ByteReader): Value {
  let shape = metadata.types.get(of)?.shape;
  for (let depth = 0; shape?.kind === 'composite' && depth < DEEPEST; depth++)
    shape = metadata.types.get(shape.fields[0]?.type ?? -1)?.shape;
  const value = from.compact();
  const isNarrow = shape?.kind === 'primitive' && ['u8', 'u16', 'u32'].includes(shape.name);
  return isNarrow ? Number(value) : value;
}

/** A wrapper around one nameless field is that field. */
function readComposite(fields: readonly Field[], inner: (of: number) => Value): Value {
  if (fields.length === 1 && fields[0]!.name === undefined) return inner(fields[0]!.type);
  return readFields(fields, inner);
}

function readFields(fields: readonly Field[], inner: (of: number) => Value): Fields {
  return Object.fromEntries(fields.map(({ name, type }, i) => [name ?? String(i), inner(type)]));
}

function readChoice({ path, shape }: ChainType, from: ByteReader, inner: (of: number) => Value): Value {
  const variants = shape.kind === 'variant' ? shape.variants : undefined;
  const variant = variants?.get(from.u8());
  if (!variant) throw from.invalid();
  const fields = readFields(variant.fields, inner);
  if (path.at(-1) === 'Option') return variant.name === 'None' ? null : (fields['0'] ?? null);
  return { variant: variant.name, fields };
}
